#include "model/weights_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/recall_gate.h"

namespace silt::model {
namespace {

constexpr std::int64_t kAnySize = -1;  // in an expected shape

enum class Use { kMatrix, kFloats, kTokenizerBytes, kTokenizerIntegers };

struct Expected {
  Use use;
  Shape shape;
};

struct MixerInfo {
  std::string_view name;
  std::string_view rule;
  MixerKind kind;
};
constexpr MixerInfo kMixers[] = {{"ttt-e2e", "clipped-sgd", MixerKind::kTttE2e},
                                 {"ttt_linear", "minibatch-gd", MixerKind::kTttLinear},
                                 {"ttt_mlp", "minibatch-gd", MixerKind::kTttMlp}};

struct FastLearnsInfo {
  std::string_view name;
  FastLearns learns;
};
constexpr FastLearnsInfo kFastLearns[] = {{"gate up down", FastLearns::kGateUpDown},
                                          {"down", FastLearns::kDown}};

bool fits(const Shape& shape, const Shape& expected) {
  return std::equal(shape.begin(), shape.end(), expected.begin(), expected.end(),
                    [](std::int64_t a, std::int64_t b) { return b == kAnySize || a == b; });
}

bool allowed(Use use, DataType type) {
  switch (use) {
    case Use::kMatrix: return type == DataType::kF32 || type == DataType::kBf16 || type == DataType::kI8;
    case Use::kFloats: return type == DataType::kF32;
    case Use::kTokenizerBytes: return type == DataType::kU8;
    case Use::kTokenizerIntegers: return type == DataType::kI32;
  }
  return false;
}

using ExpectedTensors = std::map<std::string, Expected, std::less<>>;

// The tensors of block `n` that its mixer brings, named `block` + ...
void expect_attention(const ModelConfig& c, int n, const std::string& block, ExpectedTensors& out) {
  const std::int64_t d = c.width, q = c.query_width(), kv = c.kv_width(), f = c.fast_width;
  out[block + "attention_norm"] = {Use::kFloats, {d}};
  out[block + "attention.q"] = {Use::kMatrix, {d, q}};
  out[block + "attention.k"] = {Use::kMatrix, {d, kv}};
  out[block + "attention.v"] = {Use::kMatrix, {d, kv}};
  out[block + "attention.o"] = {Use::kMatrix, {q, d}};
  if (n < c.prefix_layers()) return;
  out[block + "fast_norm"] = {Use::kFloats, {d}};
  out[block + "fast.gate"] = {Use::kMatrix, {d, f}};
  out[block + "fast.up"] = {Use::kMatrix, {d, f}};
  out[block + "fast.down"] = {Use::kMatrix, {f, d}};
  out[block + "fast.step"] = {Use::kFloats, {c.fast_rates()}};
  out[block + "fast.decay"] = {Use::kFloats, {c.fast_rates()}};
}

void expect_ttt_layer(const ModelConfig& c, const std::string& block, ExpectedTensors& out) {
  const std::int64_t d = c.width, q = c.query_width(), heads = c.heads;
  const std::string ttt = block + "ttt.";
  out[block + "ttt_norm"] = {Use::kFloats, {d}};
  for (const char* name : {"q", "k", "v"}) out[ttt + name] = {Use::kMatrix, {d, q}};
  out[ttt + "o"] = {Use::kMatrix, {q, d}};
  out[ttt + "lr_weight"] = {Use::kMatrix, {d, heads}};
  out[ttt + "lr_bias"] = {Use::kFloats, {heads}};
  out[ttt + "position_scale"] = {Use::kFloats, {kTttTokens}};
  for (const char* name : {"ln_scale", "ln_shift", "post_norm_scale", "post_norm_shift"}) {
    out[ttt + name] = {Use::kFloats, {q}};
  }
  const std::vector<int> widths = c.inner_widths();
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    out[ttt + "w" + number] = {Use::kMatrix, {heads * widths[i], widths[i + 1]}};
    out[ttt + "c" + number] = {Use::kFloats, {heads * widths[i + 1]}};
  }
}

// Every tensor that a file of this configuration has, scales of I8 matrices aside.
ExpectedTensors expected_tensors(const ModelConfig& c) {
  ExpectedTensors out;
  const std::int64_t d = c.width, ff = c.mlp_width;
  out["embedding"] = {Use::kMatrix, {c.vocabulary, d}};
  out["final_norm"] = {Use::kFloats, {d}};
  for (int n = 0; n < c.layers; ++n) {
    const std::string block = "blocks." + std::to_string(n) + ".";
    c.has_ttt_layers() ? expect_ttt_layer(c, block, out) : expect_attention(c, n, block, out);
    out[block + "mlp_norm"] = {Use::kFloats, {d}};
    out[block + "mlp.gate"] = {Use::kMatrix, {d, ff}};
    out[block + "mlp.up"] = {Use::kMatrix, {d, ff}};
    out[block + "mlp.down"] = {Use::kMatrix, {ff, d}};
  }
  out["tokenizer.bytes"] = {Use::kTokenizerBytes, {kAnySize}};
  out["tokenizer.offsets"] = {Use::kTokenizerIntegers, {c.vocabulary + 1}};
  out["tokenizer.merges"] = {Use::kTokenizerIntegers, {kAnySize, 3}};
  return out;
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

// A matrix inside the mapping. Values are decoded by memcpy, so alignment does not matter here.
class MappedMatrix final : public MatrixSource {
 public:
  MappedMatrix(DataType type, int in, int out, const std::byte* data, const std::byte* scale)
      : type_(type), in_(in), out_(out), data_(data), scale_(scale) {}

  int in() const override { return in_; }
  int out() const override { return out_; }

  void read_row(int row, float* values) const override {
    const std::size_t count = static_cast<std::size_t>(out_);
    const std::byte* from = data_ + static_cast<std::size_t>(row) * count * element_bytes(type_);
    if (type_ == DataType::kF32) {
      std::memcpy(values, from, count * sizeof(float));
    } else if (type_ == DataType::kBf16) {
      for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t bits;
        std::memcpy(&bits, from + 2 * i, 2);
        values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
      }
    } else {
      float scale;
      std::memcpy(&scale, scale_ + static_cast<std::size_t>(row) * sizeof(float), sizeof(float));
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(static_cast<std::int8_t>(from[i])) * scale;
      }
    }
  }

 private:
  DataType type_;
  int in_, out_;
  const std::byte* data_;
  const std::byte* scale_;
};

}  // namespace

Result<std::unique_ptr<WeightsFile>> WeightsFile::open(const std::string& path) {
  std::unique_ptr<WeightsFile> file(new WeightsFile);
  SILT_ASSIGN(file->file_, SafetensorsFile::open(path));
  SILT_TRY(file->read_config());
  SILT_TRY(file->check_tensors());
  return file;
}

Status WeightsFile::read_config() {
  const auto text = [this](std::string_view key) { return file_->metadata(key); };
  if (text("format") != "silt-1") {
    return invalid_argument("weight file " + path() + " is of format \"" + std::string(text("format")) +
                            "\", this program reads \"silt-1\": install the model that belongs to it");
  }
  const auto mixer = std::find_if(std::begin(kMixers), std::end(kMixers), [&](const MixerInfo& known) {
    return known.name == text("mixer") && known.rule == text("rule");
  });
  if (mixer == std::end(kMixers)) {
    std::string known;
    for (const MixerInfo& one : kMixers) {
      if (!known.empty()) known += ", ";
      known.append("\"").append(one.name).append("\" with \"").append(one.rule).append("\"");
    }
    return invalid_argument("weight file " + path() + " needs mixer \"" + std::string(text("mixer")) +
                            "\" with rule \"" + std::string(text("rule")) + "\", this program has " + known +
                            ": install a newer silt");
  }
  config_.mixer = mixer->kind;
  std::vector<std::pair<std::string_view, int*>> integers = {{"layers", &config_.layers},
                                                             {"width", &config_.width},
                                                             {"heads", &config_.heads},
                                                             {"head_width", &config_.head_width},
                                                             {"mlp_width", &config_.mlp_width},
                                                             {"vocabulary", &config_.vocabulary},
                                                             {"minibatch_tokens", &config_.minibatch_tokens}};
  std::vector<std::pair<std::string_view, float*>> floats = {{"rope_theta", &config_.rope_theta},
                                                             {"norm_epsilon", &config_.norm_epsilon}};
  if (!config_.has_ttt_layers()) {
    integers.insert(integers.end(), {{"fast_layers", &config_.fast_layers},
                                     {"kv_heads", &config_.kv_heads},
                                     {"fast_width", &config_.fast_width},
                                     {"window_tokens", &config_.window_tokens}});
    floats.emplace_back("clip_norm", &config_.clip_norm);
    SILT_TRY(read_fast_learns());
  }
  for (const auto& [key, value] : integers) {
    if (!parse_number(text(key), *value)) return file_->damaged("has no number \"" + std::string(key) + "\"");
  }
  const std::string_view slots = text("recall_slots_log2");
  if (!slots.empty() && !parse_number(slots, config_.recall_slots_log2)) {
    return file_->damaged("has no number \"recall_slots_log2\"");
  }
  for (const auto& [key, value] : floats) {
    if (!parse_number(text(key), *value)) return file_->damaged("has no number \"" + std::string(key) + "\"");
  }
  if (config_.has_ttt_layers()) config_.complete_ttt();
  return config_.validate().with_context("weight file " + path());
}

// Files that do not say what learns are from before there was a choice: all three matrices do.
Status WeightsFile::read_fast_learns() {
  const auto it = metadata().find("fast_learns");
  if (it == metadata().end()) return Status::ok();
  for (const FastLearnsInfo& known : kFastLearns) {
    if (known.name != it->second) continue;
    config_.fast_learns = known.learns;
    return Status::ok();
  }
  return invalid_argument("weight file " + path() + " says fast_learns \"" + it->second +
                          "\", this program has \"gate up down\" and \"down\": install a newer silt");
}

Status WeightsFile::check_tensors() const {
  const SafetensorsFile::TensorMap& tensors = file_->tensors();
  auto expected = expected_tensors(config_);
  if (config_.recall_slots_log2 > 0 && tensors.contains("recall.gate")) {
    expected["recall.gate"] = {Use::kFloats, {RecallGate::kSize}};
  }
  for (const auto& [name, what] : expected) {
    const auto it = tensors.find(name);
    if (it == tensors.end()) return file_->damaged("lacks tensor \"" + name + "\"");
    if (!allowed(what.use, it->second.type)) {
      return file_->damaged("has tensor \"" + name + "\" of type " + std::string(name_of(it->second.type)));
    }
    if (!fits(it->second.shape, what.shape)) {
      return file_->damaged("has tensor \"" + name + "\" of shape " + to_string(it->second.shape) +
                            " instead of " + to_string(what.shape));
    }
    if (it->second.type != DataType::kI8) continue;
    const auto scale = tensors.find(name + ".scale");
    if (scale == tensors.end() || scale->second.type != DataType::kF32 ||
        scale->second.shape != Shape{it->second.shape[0]}) {
      return file_->damaged("has I8 tensor \"" + name + "\" without one F32 scale a row");
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (expected.contains(name)) continue;
    const auto owner =
        name.ends_with(".scale") ? tensors.find(name.substr(0, name.size() - 6)) : tensors.end();
    if (owner == tensors.end() || owner->second.type != DataType::kI8) {
      return file_->damaged("has an unknown tensor \"" + name + "\"");
    }
  }
  return Status::ok();
}

Result<std::unique_ptr<MatrixSource>> WeightsFile::matrix(std::string_view name) const {
  SILT_ASSIGN(const StoredTensor* tensor, file_->find(name));
  if (!allowed(Use::kMatrix, tensor->type) || tensor->shape.size() != 2) {
    return invalid_argument("tensor " + std::string(name) + " is not a matrix");
  }
  const std::byte* scale = nullptr;
  if (tensor->type == DataType::kI8) {
    SILT_ASSIGN(const StoredTensor* row_scale, file_->find(std::string(name) + ".scale"));
    scale = file_->bytes_of(*row_scale).data();
  }
  return std::unique_ptr<MatrixSource>(std::make_unique<MappedMatrix>(
      tensor->type, static_cast<int>(tensor->shape[0]), static_cast<int>(tensor->shape[1]),
      file_->bytes_of(*tensor).data(), scale));
}

Result<std::span<const std::byte>> WeightsFile::raw(std::string_view name) const {
  SILT_ASSIGN(const StoredTensor* tensor, file_->find(name));
  return file_->bytes_of(*tensor);
}

}  // namespace silt::model
