#include "tests/model/tiny_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace silt::model {
namespace {

constexpr int kLayers = 3, kFastLayers = 2, kWidth = 32, kHeads = 2, kHeadWidth = 16, kMlpWidth = 64;
constexpr int kFastWidth = 32, kVocabulary = 320;
constexpr int kFirstMerged = 257;  // 0: start token, 1 to 256: the bytes

class Maker {
 public:
  Maker(WeightFileParts& parts, std::uint64_t seed) : parts_(parts), random_(seed) {}

  void matrix(const std::string& name, int in, int out, double deviation) {
    ByteWriter writer;
    for (int i = 0; i < in * out; ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(deviation * unit()));
      writer.u16(static_cast<std::uint16_t>(bits >> 16));
    }
    parts_.tensors.push_back({name, "BF16", {in, out}, writer.take()});
  }

  void floats(const std::string& name, const std::vector<float>& values) {
    ByteWriter writer;
    for (const float value : values) writer.f32(value);
    parts_.tensors.push_back({name, "F32", {static_cast<std::int64_t>(values.size())}, writer.take()});
  }

  void norm(const std::string& name) { around(name, kWidth, 1); }
  void around(const std::string& name, int size, double mean) {
    std::vector<float> values;
    for (int i = 0; i < size; ++i) values.push_back(static_cast<float>(mean + 0.1 * unit()));
    floats(name, values);
  }

 private:
  // Uniform with variance 1: the same on every platform, unlike std::normal_distribution.
  double unit() { return (static_cast<double>(random_() >> 11) * 0x1p-53 * 2 - 1) * std::sqrt(3.0); }

  WeightFileParts& parts_;
  std::mt19937_64 random_;
};

void add_mlp(Maker& make, const std::string& block) {
  const double in_width = 1 / std::sqrt(kWidth);
  make.norm(block + "mlp_norm");
  make.matrix(block + "mlp.gate", kWidth, kMlpWidth, in_width);
  make.matrix(block + "mlp.up", kWidth, kMlpWidth, in_width);
  make.matrix(block + "mlp.down", kMlpWidth, kWidth, 0.3 / std::sqrt(kMlpWidth));
}

void add_ttt_block(Maker& make, int n, bool mlp) {
  const std::string block = "blocks." + std::to_string(n) + ".", ttt = block + "ttt.";
  const double in_width = 1 / std::sqrt(kWidth);
  constexpr int kAllHeads = kHeads * kHeadWidth;
  const int hidden = mlp ? 4 * kHeadWidth : kHeadWidth;
  make.norm(block + "ttt_norm");
  for (const char* name : {"q", "k", "v"}) make.matrix(ttt + name, kWidth, kAllHeads, in_width);
  make.matrix(ttt + "o", kAllHeads, kWidth, 0.3 * in_width);
  make.matrix(ttt + "lr_weight", kWidth, kHeads, in_width);
  make.around(ttt + "lr_bias", kHeads, 0);
  make.around(ttt + "position_scale", 16, 0);
  for (const char* norm : {"ln", "post_norm"}) {
    make.around(ttt + norm + "_scale", kAllHeads, 1);
    make.around(ttt + norm + "_shift", kAllHeads, 0);
  }
  make.matrix(ttt + "w1", kAllHeads, hidden, 1 / std::sqrt(kHeadWidth));
  make.around(ttt + "c1", kHeads * hidden, 0);
  if (mlp) {
    make.matrix(ttt + "w2", kHeads * hidden, kHeadWidth, 1 / std::sqrt(hidden));
    make.around(ttt + "c2", kAllHeads, 0);
  }
  add_mlp(make, block);
}

// Of the hidden units: from slow to quick to learn, and from a short to a long memory.
std::vector<float> spread(float first, float last) {
  std::vector<float> values;
  for (int unit = 0; unit < kFastWidth; ++unit) {
    values.push_back(first + (last - first) * static_cast<float>(unit) / (kFastWidth - 1));
  }
  return values;
}

void add_block(Maker& make, int n, FastLearns learns) {
  const std::string block = "blocks." + std::to_string(n) + ".";
  const double in_width = 1 / std::sqrt(kWidth);
  make.norm(block + "attention_norm");
  make.matrix(block + "attention.q", kWidth, kHeads * kHeadWidth, in_width);
  make.matrix(block + "attention.k", kWidth, kHeads * kHeadWidth, in_width);
  make.matrix(block + "attention.v", kWidth, kHeads * kHeadWidth, in_width);
  make.matrix(block + "attention.o", kHeads * kHeadWidth, kWidth, 0.3 * in_width);
  add_mlp(make, block);
  if (n < kLayers - kFastLayers) return;
  make.norm(block + "fast_norm");
  make.matrix(block + "fast.gate", kWidth, kFastWidth, in_width);
  make.matrix(block + "fast.up", kWidth, kFastWidth, in_width);
  make.matrix(block + "fast.down", kFastWidth, kWidth, 0.3 / std::sqrt(kFastWidth));
  const bool down = learns == FastLearns::kDown;
  make.floats(block + "fast.step", down ? spread(0.5f, 1.5f) : std::vector<float>{0.3f, 0.3f, 1.0f});
  make.floats(block + "fast.decay", down ? spread(0.9f, 0.999f) : std::vector<float>{0.999f, 0.999f, 0.995f});
}

void add_tokenizer(WeightFileParts& parts) {
  std::vector<std::string> pieces{""};
  for (int b = 0; b < 256; ++b) pieces.emplace_back(1, static_cast<char>(b));
  const auto id = [&](const std::string& piece) {
    return static_cast<std::uint32_t>(std::find(pieces.begin(), pieces.end(), piece) - pieces.begin());
  };
  ByteWriter merges;
  constexpr std::string_view kWords[] = {"  ",         "00",   "error", "failed", "user",    "server",
                                         "connection", "from", "root",  "port",   "session", "kernel",
                                         "warn",       "in",   "host",  "open",   "closed",  "timeout",
                                         "ssh",        "12",   "10",    "disk",   "start"};
  for (const std::string_view word : kWords) {
    for (std::size_t size = 2; size <= word.size() && pieces.size() < kVocabulary; ++size) {
      const std::string piece(word.substr(0, size));
      if (id(piece) < pieces.size()) continue;
      merges.u32(id(piece.substr(0, size - 1)));
      merges.u32(id(piece.substr(size - 1)));
      merges.u32(static_cast<std::uint32_t>(pieces.size()));
      pieces.push_back(piece);
    }
  }
  SILT_CHECK(pieces.size() == kVocabulary);
  ByteWriter offsets;
  std::string joined;
  for (const std::string& piece : pieces) {
    offsets.u32(static_cast<std::uint32_t>(joined.size()));
    joined += piece;
  }
  offsets.u32(static_cast<std::uint32_t>(joined.size()));
  parts.tensors.push_back({"tokenizer.bytes", "U8", {static_cast<std::int64_t>(joined.size())}, joined});
  parts.tensors.push_back({"tokenizer.offsets", "I32", {kVocabulary + 1}, offsets.take()});
  parts.tensors.push_back({"tokenizer.merges", "I32", {kVocabulary - kFirstMerged, 3}, merges.take()});
}

std::size_t element_bytes(const FileTensor& tensor) {
  return tensor.type == "F32" || tensor.type == "I32" ? 4 : tensor.type == "BF16" ? 2 : 1;
}

}  // namespace

FileTensor& WeightFileParts::tensor(const std::string& name) {
  const auto it =
      std::find_if(tensors.begin(), tensors.end(), [&](const FileTensor& t) { return t.name == name; });
  SILT_CHECK(it != tensors.end());
  return *it;
}

WeightFileParts tiny_model_parts(std::uint64_t seed, const std::string& mixer, FastLearns learns) {
  const bool ttt = mixer != "ttt-e2e";
  WeightFileParts parts;
  parts.metadata = {{"format", "silt-1"},
                    {"mixer", mixer},
                    {"rule", ttt ? "minibatch-gd" : "clipped-sgd"},
                    {"layers", std::to_string(kLayers)},
                    {"fast_layers", std::to_string(kFastLayers)},
                    {"width", std::to_string(kWidth)},
                    {"heads", std::to_string(kHeads)},
                    {"kv_heads", std::to_string(kHeads)},
                    {"head_width", std::to_string(kHeadWidth)},
                    {"mlp_width", std::to_string(kMlpWidth)},
                    {"fast_width", std::to_string(kFastWidth)},
                    {"vocabulary", std::to_string(kVocabulary)},
                    {"minibatch_tokens", "16"},
                    {"window_tokens", "32"},
                    {"rope_theta", "10000.0"},
                    {"norm_epsilon", "1e-05"},
                    {"clip_norm", "1"},
                    {"tokenizer", "byte-bpe"},
                    {"pretokenizer", "silt-pre-1"},
                    {"start_token", "0"}};
  if (learns == FastLearns::kDown) parts.metadata["fast_learns"] = "down";
  Maker make(parts, seed);
  make.matrix("embedding", kVocabulary, kWidth, 0.3);
  make.norm("final_norm");
  for (int n = 0; n < kLayers; ++n) {
    ttt ? add_ttt_block(make, n, mixer == "ttt_mlp") : add_block(make, n, learns);
  }
  add_tokenizer(parts);
  return parts;
}

void quantise(WeightFileParts& parts, const std::string& name) {
  FileTensor& matrix = parts.tensor(name);
  SILT_CHECK(matrix.type == "BF16");
  const auto rows = static_cast<std::size_t>(matrix.shape[0]),
             cols = static_cast<std::size_t>(matrix.shape[1]);
  ByteReader reader(matrix.bytes);
  std::string quantised;
  ByteWriter scales;
  for (std::size_t r = 0; r < rows; ++r) {
    std::vector<float> row;
    for (std::size_t c = 0; c < cols; ++c) {
      row.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(reader.u16()) << 16));
    }
    float largest = 0;
    for (const float value : row) largest = std::max(largest, std::fabs(value));
    const float scale = largest > 0 ? largest / 127 : 1;
    scales.f32(scale);
    for (const float value : row) quantised += static_cast<char>(std::lround(value / scale));
  }
  matrix.type = "I8";
  matrix.bytes = quantised;
  parts.tensors.push_back({name + ".scale", "F32", {static_cast<std::int64_t>(rows)}, scales.take()});
}

std::string serialise(const WeightFileParts& parts, TensorOrder order) {
  std::vector<const FileTensor*> tensors;
  for (const FileTensor& tensor : parts.tensors) tensors.push_back(&tensor);
  if (order == TensorOrder::kAligned) {
    std::stable_sort(tensors.begin(), tensors.end(), [](const FileTensor* a, const FileTensor* b) {
      return element_bytes(*a) > element_bytes(*b);
    });
  }
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : parts.metadata) {
    if (header.back() != '{') header += ',';
    header += '"' + key + "\":\"" + value + '"';
  }
  header += '}';
  std::string data;
  for (const FileTensor* tensor : tensors) {
    header += ",\"" + tensor->name + "\":{\"dtype\":\"" + tensor->type + "\",\"shape\":[";
    for (const std::int64_t n : tensor->shape) {
      if (header.back() != '[') header += ',';
      header += std::to_string(n);
    }
    header += "],\"data_offsets\":[" + std::to_string(data.size()) + ',' +
              std::to_string(data.size() + tensor->bytes.size()) + "]}";
    data += tensor->bytes;
  }
  header += '}';
  while (header.size() % 8 != 0) header += ' ';
  ByteWriter writer;
  writer.u64(header.size());
  return writer.take() + header + data;
}

Status write_tiny_model(const std::string& path, std::uint64_t seed, const std::string& mixer,
                        FastLearns learns) {
  std::ofstream out(path, std::ios::binary);
  out << serialise(tiny_model_parts(seed, mixer, learns));
  out.close();
  return out ? Status::ok() : errno_status("write " + path, errno);
}

}  // namespace silt::model
