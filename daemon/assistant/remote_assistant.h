// RemoteAssistant: an assistant behind an endpoint that speaks as OpenAI's chat completions do (llama.cpp's server, vLLM,
// Ollama and others): POST URL/chat/completions. docs/assistant.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "daemon/answer/assistant.h"

namespace silt::assistant {

struct RemoteOptions {
  std::string url;         // "http://127.0.0.1:8080/v1"; https, or http to this host itself
  std::string model;       // its name there
  std::string credential;  // a file of mode 0600 or a systemd credential, whose first line is the key; empty: none
  std::string ca_file;     // authorities that are trusted instead of the system's
  std::string proxy;
  std::int64_t time_max_ms = 5'000;  // of each of the two calls of a question
};

// kInvalidArgument: no such URL. The endpoint and the credential are first used by the first call.
Result<std::unique_ptr<answer::Assistant>> make_remote_assistant(RemoteOptions options);

}  // namespace silt::assistant
