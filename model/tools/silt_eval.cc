// silt-eval: measures a model on files, without a daemon. See kEvalUsage.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "base/digest.h"
#include "model/default_weights.h"
#include "model/learner.h"
#include "model/model.h"
#include "model/tools/bits_per_byte.h"
#include "model/tools/compressors.h"
#include "model/tools/encode_texts.h"
#include "model/tools/eval_extras.h"
#include "model/tools/eval_options.h"

namespace silt::model {
namespace {

// By stdio: a stream buffer throws when it meets a folder.
Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) return errno_status("open " + path, errno);
  std::string bytes;
  std::vector<char> buffer(1 << 20);
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    bytes.append(buffer.data(), n);
  }
  if (std::ferror(file.get()) != 0) return errno_status("read " + path, errno);
  if (bytes.empty()) return invalid_argument(path + " is empty");
  return bytes;
}

Result<std::vector<Token>> read_tokens(const EvalOptions& options, const std::string& path,
                                       const Tokenizer& tokenizer) {
  SILT_ASSIGN(const std::string bytes, read_file(path));
  std::vector<Token> tokens;
  if (!options.token_ids) {
    tokenizer.encode(bytes, tokens);
  } else {
    if (bytes.size() % 2 != 0) return invalid_argument(path + " has an odd size, so it holds no uint16 ids");
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      tokens.push_back(static_cast<std::uint8_t>(bytes[i]) | static_cast<std::uint8_t>(bytes[i + 1]) << 8);
    }
  }
  if (options.tokens_max > 0 && tokens.size() > options.tokens_max) tokens.resize(options.tokens_max);
  return tokens;
}

Status write_floats(const std::string& path, const std::vector<float>& values) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  out.close();
  return out ? Status::ok() : errno_status("write " + path, errno);
}

std::string number(double value, const char* format) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// A file name as a JSON string. Bytes that are not ASCII pass through.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

double bits_per_byte(const CompressedSize& size, std::size_t bytes) {
  return 8.0 * static_cast<double>(size.bytes) / static_cast<double>(bytes);
}

void print_json(const std::string& file, const BitsPerByte& result,
                const std::vector<CompressedSize>& others) {
  std::string line = "{\"file\":" + quoted(file) + ",\"bytes\":" + std::to_string(result.bytes) +
                     ",\"tokens\":" + std::to_string(result.tokens) +
                     ",\"bits_per_byte\":" + number(result.bits_per_byte, "%.6f") + ",\"tenths\":[";
  for (const double tenth : result.tenths) {
    if (line.back() != '[') line += ',';
    line += number(tenth, "%.6f");
  }
  line += "],\"tokens_per_s\":" + number(result.tokens_per_s, "%.1f");
  for (const CompressedSize& other : others) {
    line += ',';
    line += quoted(other.program) + ':' + number(bits_per_byte(other, result.bytes), "%.6f");
  }
  std::printf("%s}\n", line.c_str());
  std::fflush(stdout);
}

void print_text(const std::string& file, const BitsPerByte& result,
                const std::vector<CompressedSize>& others) {
  std::printf("%s: %zu bytes, %zu tokens\n", file.c_str(), result.bytes, result.tokens);
  std::printf("  %-14s %.3f bits/byte, %.0f tokens/s\n", "silt", result.bits_per_byte, result.tokens_per_s);
  std::printf("  %-14s", "  each tenth");
  for (const double tenth : result.tenths) std::printf(" %s", number(tenth, "%.3f").c_str());
  std::printf("\n");
  for (const CompressedSize& other : others) {
    std::printf("  %-14s %.3f bits/byte\n", other.program.c_str(), bits_per_byte(other, result.bytes));
  }
  std::fflush(stdout);
}

Status evaluate(const EvalOptions& options, const std::string& file, const Tokenizer& tokenizer,
                Learner& learner, RecallGate* gate) {
  SILT_ASSIGN(const std::vector<Token> tokens, read_tokens(options, file, tokenizer));
  const LearnMode mode = options.learn ? LearnMode::kScoreAndLearn : LearnMode::kScoreOnly;
  Result<BitsPerByte> result = measure_bits_per_byte(learner, tokenizer, tokens, mode, gate);
  if (!result.is_ok()) return result.status().with_context(file);
  if (result->skipped_steps > 0) {
    std::fprintf(stderr, "silt-eval: %s: %d learning steps were skipped, their gradient was not finite\n",
                 file.c_str(), result->skipped_steps);
  }
  if (!options.nats_out.empty()) SILT_TRY(write_floats(options.nats_out, result->nats));
  std::vector<CompressedSize> others;
  if (options.compare.value_or(!options.json)) others = compressed_sizes(tokenizer.decode(tokens));
  (options.json ? print_json : print_text)(file, *result, others);
  return Status::ok();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void print(const DeviceUse& device) {
  const char* const limit = device.wait_s > device.host_s ? "GPU" : "host";
  std::printf("  %s: %llu mini-batches, host %.3f s, waiting for it %.3f s; what limits it: %s\n", device.name.c_str(),
              static_cast<unsigned long long>(device.minibatches), device.host_s, device.wait_s, limit);
}

// Reads all files side by side, each in a lane of its own. A file's name says which of several devices reads it.
Status learn(const EvalOptions& options, const Tokenizer& tokenizer, Learner& learner) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::vector<Token>> streams;
  std::size_t tokens = 0, bytes = 0;
  for (const std::string& file : options.files) {
    SILT_ASSIGN(std::vector<Token> stream, read_tokens(options, file, tokenizer));
    tokens += stream.size();
    for (const Token token : stream) bytes += tokenizer.piece(token).size();
    streams.push_back(std::move(stream));
  }
  const double tokenised_s = seconds_since(start);
  const auto learning = std::chrono::steady_clock::now();
  std::vector<AdaptedState> states;
  std::vector<std::vector<TokenScore>> scores(streams.size());
  std::vector<Lane> lanes;
  for (const std::string& file : options.files) states.push_back(learner.fresh_for(digest_of(file).low));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    lanes.push_back({&states[i], streams[i], LearnMode::kScoreAndLearn, &scores[i], {}, {}});
  }
  learner.append(lanes);
  std::vector<Tail> tails;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    SILT_TRY(lanes[i].status);
    tails.push_back({&states[i], &scores[i]});
  }
  SILT_TRY(learner.score_tails(tails));
  double nats = 0;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    for (const TokenScore& score : scores[i]) nats += score.adapted_nats;
  }
  const double learned_s = seconds_since(learning);
  std::printf("%zu files, %zu bytes, %zu tokens, %.4f bits/byte\n", streams.size(), bytes, tokens,
              nats / std::numbers::ln2 / static_cast<double>(bytes));
  std::printf("  tokenised in %.3f s (%.0f tokens/s), learned in %.3f s (%.0f tokens/s), in all %.0f tokens/s\n",
              tokenised_s, static_cast<double>(tokens) / tokenised_s, learned_s,
              static_cast<double>(tokens) / learned_s, static_cast<double>(tokens) / (tokenised_s + learned_s));
  for (const DeviceUse& device : learner.devices()) print(device);
  return Status::ok();
}

Status run(const EvalOptions& options) {
  std::string weights = options.weights;
  if (weights.empty()) {
    SILT_ASSIGN(weights, find_default_weights());
  }
  SILT_ASSIGN(const std::shared_ptr<const Model> model, Model::open(weights));
  const BackendOptions backend{.name = options.backend, .threads = options.threads, .devices = options.devices};
  SILT_ASSIGN(const std::unique_ptr<Learner> learner,
              Learner::create(model, backend, {.frozen_scores = options.frozen, .recall = options.recall}));
  if (!options.json) {
    std::printf("%s on %s, %d thread%s%s\n", weights.c_str(), std::string(learner->backend_name()).c_str(),
                options.threads, options.threads == 1 ? "" : "s", options.learn ? "" : ", not learning");
  }
  if (options.command == EvalCommand::kLearn) return learn(options, model->tokenizer(), *learner);
  RecallGate gate;
  const bool fits = options.command == EvalCommand::kFitRecall;
  for (const std::string& file : options.files) {
    SILT_TRY(evaluate(options, file, model->tokenizer(), *learner, fits ? &gate : nullptr));
  }
  return fits ? write_floats(options.gate_out, RecallGate(gate.values()).values()) : Status::ok();
}

}  // namespace
}  // namespace silt::model

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::vector<silt::model::EvalExtra> extras{silt::model::encode_command()};
  extras.insert(extras.end(), silt::model::eval_extras().begin(), silt::model::eval_extras().end());
  for (const silt::model::EvalExtra& extra : extras) {
    if (!arguments.empty() && arguments[0] == extra.name) return extra.run(std::span(arguments).subspan(1));
  }
  const auto options = silt::model::parse_eval_options(arguments);
  silt::Status status = options.status();
  if (status.is_ok() && options->help) {
    std::fwrite(silt::model::kEvalUsage.data(), 1, silt::model::kEvalUsage.size(), stdout);
    for (const silt::model::EvalExtra& extra : extras) {
      std::printf("\n%.*s\n", static_cast<int>(extra.usage.size()), extra.usage.data());
    }
    return 0;
  }
  if (status.is_ok()) status = silt::model::run(*options);
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "silt-eval: %s\n", status.message().c_str());
  return 2;
}
