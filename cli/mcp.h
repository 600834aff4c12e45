// The Model Context Protocol (modelcontextprotocol.io, 2025-06-18) as `silt mcp` speaks it: JSON-RPC 2.0, a line a
// message, tools alone. What comes in is a model's: every argument is checked, and nothing here can change anything.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::cli::mcp {

struct Tool {
  std::string_view name;
  std::string_view description;
  std::string_view input_schema;   // JSON Schema
  std::string_view output_schema;  // of what it gives
  // Takes the arguments as JSON and gives an object as JSON.
  std::function<Result<std::string>(const std::string& arguments)> run;
};

struct Offer {
  std::string_view version;  // of silt
  std::span<const Tool> tools;
};

// A longer answer is an error that says how to ask for less: one that was cut would be read as whole.
inline constexpr std::size_t kAnswerBytesMax = 64 << 10;

// The reply to a line; nothing for a notification.
std::optional<std::string> reply_to(std::string_view line, const Offer& offer);

}  // namespace silt::cli::mcp
