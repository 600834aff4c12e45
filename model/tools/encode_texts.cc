#include "model/tools/encode_texts.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "model/default_weights.h"
#include "model/encoder/encoder.h"

namespace silt::model {
namespace {

constexpr std::string_view kUsage = R"(       silt-eval encode FILE [options]

encode reads one text a line ("-": standard input) and prints the cosines of the
sentence encoder's vectors, a row a text; how fast it was goes to standard error.

  --weights F       weight file (default: search for minilm-l6.safetensors)
  --threads N       threads (default: 1); results do not depend on it
  --isa P           instruction-set path, such as avx2 (default: the fastest); nor on it
  --tokens N        what counts of a text, its two marks included (default: 64)
  --json            instead, a line a text: {"tokens":[...],"vector":[...]})";

struct EncodeOptions {
  std::string file, weights, isa;
  int threads = 1;
  int tokens_max = Encoder::kTokensMax;
  bool json = false;
};

Result<EncodeOptions> parse(std::span<const std::string_view> arguments) {
  EncodeOptions out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--json") {
      out.json = true;
      continue;
    }
    if (!name.starts_with("--")) {
      if (!out.file.empty()) return invalid_argument("encode takes one FILE");
      out.file = name;
      continue;
    }
    if (i + 1 == arguments.size()) return invalid_argument(std::string(name) + " needs a value");
    const std::string_view value = arguments[++i];
    if (name == "--weights") {
      out.weights = value;
    } else if (name == "--isa") {
      out.isa = value;
    } else if (name == "--threads" || name == "--tokens") {
      int& number = name == "--threads" ? out.threads : out.tokens_max;
      const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (failure != std::errc() || end != value.data() + value.size() || number < 1) {
        return invalid_argument(std::string(name) + " needs a number above 0");
      }
    } else {
      return invalid_argument("unknown option " + std::string(name) + ", see silt-eval --help");
    }
  }
  if (out.file.empty()) return invalid_argument("no file to read. Write: silt-eval encode FILE");
  return out;
}

Result<std::vector<std::string>> read_lines(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return errno_status("open " + path, errno);
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

template <class T>
void print_list(const char* before, std::span<const T> values, const char* format, const char* after) {
  std::fputs(before, stdout);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) std::fputc(',', stdout);
    std::printf(format, values[i]);
  }
  std::fputs(after, stdout);
}

Status run(std::span<const std::string_view> arguments) {
  SILT_ASSIGN(EncodeOptions options, parse(arguments));
  if (options.weights.empty()) {
    SILT_ASSIGN(options.weights, find_default_weights(kEncoderWeights));
  }
  SILT_ASSIGN(const auto encoder, Encoder::open(options.weights, options.threads, options.isa));
  SILT_ASSIGN(const std::vector<std::string> lines, read_lines(options.file));
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  std::vector<float> vectors;
  const auto start = std::chrono::steady_clock::now();
  SILT_TRY(encoder->encode(texts, vectors, options.tokens_max));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const auto width = static_cast<std::size_t>(encoder->width());
  const auto vector_of = [&](std::size_t i) {
    return std::span<const float>(vectors).subspan(i * width, width);
  };
  std::size_t tokens_read = 0;
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    encoder->tokenizer().encode(texts[i], options.tokens_max, tokens);
    tokens_read += tokens.size();
    if (options.json) {
      print_list("{\"tokens\":[", std::span<const std::int32_t>(tokens), "%d", "],");
      print_list("\"vector\":[", vector_of(i), "%.9g", "]}\n");
      continue;
    }
    for (std::size_t other = 0; other < texts.size(); ++other) {
      std::printf("%6.3f", static_cast<double>(cosine(vector_of(i), vector_of(other))));
    }
    std::printf("  %s\n", lines[i].c_str());
  }
  std::fprintf(stderr, "%zu texts, %zu tokens: %.0f texts/s, %.0f tokens/s\n", texts.size(), tokens_read,
               static_cast<double>(texts.size()) / seconds.count(),
               static_cast<double>(tokens_read) / seconds.count());
  return Status::ok();
}

int run_command(std::span<const std::string_view> arguments) {
  const Status status = run(arguments);
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "silt-eval: %s\n", status.message().c_str());
  return 2;
}

}  // namespace

EvalExtra encode_command() {
  return {"encode", kUsage, run_command};
}

}  // namespace silt::model
