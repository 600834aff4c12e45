#include "model/weights_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/json.h"
#include "model/recall_gate.h"

namespace silt::model {
namespace {

// Ours are a few kilobytes; a damaged length must not make us parse megabytes of tensor bytes.
constexpr std::uint64_t kHeaderBytesMax = 4 << 20;
constexpr std::size_t kLengthBytes = 8;

using Shape = std::vector<std::int64_t>;
constexpr std::int64_t kAnySize = -1;  // in an expected shape

enum class Use { kMatrix, kFloats, kTokenizerBytes, kTokenizerIntegers };

struct Expected {
  Use use;
  Shape shape;
};

struct TypeInfo {
  std::string_view name;
  DataType type;
  std::size_t bytes;
};
constexpr TypeInfo kTypes[] = {{"F32", DataType::kF32, 4},
                               {"BF16", DataType::kBf16, 2},
                               {"I8", DataType::kI8, 1},
                               {"U8", DataType::kU8, 1},
                               {"I32", DataType::kI32, 4}};

const TypeInfo& info_of(DataType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

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

std::string grouped(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) {
    if (text.size() > 1) text += ", ";
    text += n == kAnySize ? "any" : std::to_string(n);
  }
  return text + "]";
}

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
    const std::byte* from = data_ + static_cast<std::size_t>(row) * count * info_of(type_).bytes;
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
  static_assert(std::endian::native == std::endian::little, "the file's numbers are mapped as they are");
  std::unique_ptr<WeightsFile> file(new WeightsFile(path));
  SILT_TRY(file->map_file());
  SILT_TRY(file->parse_header());
  SILT_TRY(file->check_layout());
  SILT_TRY(file->read_config());
  SILT_TRY(file->check_tensors());
  return file;
}

WeightsFile::~WeightsFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Status WeightsFile::damaged(std::string_view what) const {
  return data_loss("weight file " + path_ + " " + std::string(what) +
                   ": copy it again or make it anew as model/training/README.md says");
}

Status WeightsFile::map_file() {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_status("open weight file " + path_, errno);
  struct stat stat {};
  Status status;
  if (::fstat(fd, &stat) != 0) {
    status = errno_status("stat weight file " + path_, errno);
  } else if (!S_ISREG(stat.st_mode)) {
    status = invalid_argument("weight file " + path_ + " is not a regular file: name a .safetensors file");
  } else if (static_cast<std::uint64_t>(stat.st_size) <= kLengthBytes) {
    status = damaged("has only " + grouped(static_cast<std::uint64_t>(stat.st_size)) + " bytes");
  } else {
    void* mapped = ::mmap(nullptr, static_cast<std::size_t>(stat.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
      status = errno_status("map weight file " + path_, errno);
    } else {
      data_ = static_cast<const std::byte*>(mapped);
      size_ = static_cast<std::size_t>(stat.st_size);
    }
  }
  ::close(fd);
  return status;
}

Status WeightsFile::parse_header() {
  std::uint64_t length;
  std::memcpy(&length, data_, kLengthBytes);
  if (length > kHeaderBytesMax) {
    return damaged("states a header of " + grouped(length) + " bytes, which no silt model has");
  }
  if (length > size_ - kLengthBytes) {
    return damaged("is " + grouped(length - (size_ - kLengthBytes)) + " bytes short of its own header");
  }
  if (length % 8 != 0) return damaged("has a header of " + grouped(length) + " bytes, not a multiple of 8");
  data_begin_ = kLengthBytes + length;

  const auto json = Json::parse({reinterpret_cast<const char*>(data_) + kLengthBytes, length});
  if (!json.is_ok()) return damaged("has a broken header, " + json.status().message());
  if (json->object() == nullptr) return damaged("has a header that is not an object");
  for (const auto& [name, entry] : *json->object()) {
    if (name == "__metadata__") {
      if (entry.object() == nullptr) return damaged("has metadata that is not an object");
      for (const auto& [key, value] : *entry.object()) {
        if (value.string() == nullptr) return damaged("has metadata \"" + key + "\" that is not a string");
        metadata_.emplace(key, *value.string());
      }
      continue;
    }
    SILT_TRY(add_tensor(name, entry));
  }
  return Status::ok();
}

Status WeightsFile::add_tensor(const std::string& name, const Json& entry) {
  const std::string tensor = "has a tensor \"" + name + "\" ";
  const Json* type = entry.find("dtype");
  const Json* shape = entry.find("shape");
  const Json* offsets = entry.find("data_offsets");
  if (type == nullptr || type->string() == nullptr || shape == nullptr || shape->array() == nullptr ||
      offsets == nullptr || offsets->array() == nullptr || offsets->array()->size() != 2 ||
      entry.object()->size() != 3) {
    return damaged(tensor + "without exactly dtype, shape and data_offsets");
  }
  const auto info = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const TypeInfo& known) { return known.name == *type->string(); });
  if (info == std::end(kTypes)) return damaged(tensor + "of unknown type " + *type->string());

  Tensor out{info->type, {}, 0, 0};
  std::uint64_t bytes = info->bytes;
  for (const Json& item : *shape->array()) {
    const std::int64_t n = item.natural();
    if (n < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(n), &bytes)) {
      return damaged(tensor + "with an impossible shape");
    }
    out.shape.push_back(n);
  }
  const std::int64_t begin = offsets->array()->front().natural();
  const std::int64_t end = offsets->array()->back().natural();
  if (begin < 0 || end < begin || static_cast<std::uint64_t>(end - begin) != bytes) {
    return damaged(tensor + "whose offsets do not span its " + grouped(bytes) + " bytes");
  }
  if (static_cast<std::uint64_t>(begin) % info->bytes != 0) return damaged(tensor + "at an unaligned offset");
  out.begin = static_cast<std::size_t>(begin);
  out.size = static_cast<std::size_t>(bytes);
  tensors_.emplace(name, std::move(out));
  return Status::ok();
}

// No gaps, no overlaps, nothing behind the last tensor: every byte of the file has one owner.
Status WeightsFile::check_layout() const {
  struct Extent {
    std::size_t begin;
    std::size_t size;  // sorts empty tensors in front of the one that shares their place
    std::string_view name;
    auto operator<=>(const Extent&) const = default;
  };
  std::vector<Extent> extents;
  for (const auto& [name, tensor] : tensors_) extents.push_back({tensor.begin, tensor.size, name});
  std::sort(extents.begin(), extents.end());
  std::size_t position = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != position) {
      return damaged("has a gap or an overlap before tensor \"" + std::string(extent.name) + "\"");
    }
    position += extent.size;
  }
  const std::size_t available = size_ - data_begin_;
  if (position > available) {
    return damaged("is " + grouped(position - available) + " bytes short of what its header promises");
  }
  if (position < available) {
    return damaged("has " + grouped(available - position) + " bytes behind its last tensor");
  }
  return Status::ok();
}

Status WeightsFile::read_config() {
  const auto text = [this](std::string_view key) -> std::string_view {
    const auto it = metadata_.find(key);
    return it == metadata_.end() ? std::string_view() : it->second;
  };
  if (text("format") != "silt-1") {
    return invalid_argument("weight file " + path_ + " is of format \"" + std::string(text("format")) +
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
    return invalid_argument("weight file " + path_ + " needs mixer \"" + std::string(text("mixer")) +
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
    if (!parse_number(text(key), *value)) return damaged("has no number \"" + std::string(key) + "\"");
  }
  const std::string_view slots = text("recall_slots_log2");
  if (!slots.empty() && !parse_number(slots, config_.recall_slots_log2)) {
    return damaged("has no number \"recall_slots_log2\"");
  }
  for (const auto& [key, value] : floats) {
    if (!parse_number(text(key), *value)) return damaged("has no number \"" + std::string(key) + "\"");
  }
  if (config_.has_ttt_layers()) config_.complete_ttt();
  return config_.validate().with_context("weight file " + path_);
}

// Files that do not say what learns are from before there was a choice: all three matrices do.
Status WeightsFile::read_fast_learns() {
  const auto it = metadata_.find("fast_learns");
  if (it == metadata_.end()) return Status::ok();
  for (const FastLearnsInfo& known : kFastLearns) {
    if (known.name != it->second) continue;
    config_.fast_learns = known.learns;
    return Status::ok();
  }
  return invalid_argument("weight file " + path_ + " says fast_learns \"" + it->second +
                          "\", this program has \"gate up down\" and \"down\": install a newer silt");
}

Status WeightsFile::check_tensors() const {
  auto expected = expected_tensors(config_);
  if (config_.recall_slots_log2 > 0 && tensors_.contains("recall.gate")) {
    expected["recall.gate"] = {Use::kFloats, {RecallGate::kSize}};
  }
  for (const auto& [name, what] : expected) {
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) return damaged("lacks tensor \"" + name + "\"");
    if (!allowed(what.use, it->second.type)) {
      return damaged("has tensor \"" + name + "\" of type " + std::string(info_of(it->second.type).name));
    }
    if (!fits(it->second.shape, what.shape)) {
      return damaged("has tensor \"" + name + "\" of shape " + to_string(it->second.shape) + " instead of " +
                     to_string(what.shape));
    }
    if (it->second.type != DataType::kI8) continue;
    const auto scale = tensors_.find(name + ".scale");
    if (scale == tensors_.end() || scale->second.type != DataType::kF32 ||
        scale->second.shape != Shape{it->second.shape[0]}) {
      return damaged("has I8 tensor \"" + name + "\" without one F32 scale a row");
    }
  }
  for (const auto& [name, tensor] : tensors_) {
    if (expected.contains(name)) continue;
    const auto owner =
        name.ends_with(".scale") ? tensors_.find(name.substr(0, name.size() - 6)) : tensors_.end();
    if (owner == tensors_.end() || owner->second.type != DataType::kI8) {
      return damaged("has an unknown tensor \"" + name + "\"");
    }
  }
  return Status::ok();
}

Result<const WeightsFile::Tensor*> WeightsFile::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) return not_found("weight file " + path_ + " has no tensor " + std::string(name));
  return &it->second;
}

std::span<const std::byte> WeightsFile::bytes_of(const Tensor& tensor) const {
  return {data_ + data_begin_ + tensor.begin, tensor.size};
}

Result<std::unique_ptr<MatrixSource>> WeightsFile::matrix(std::string_view name) const {
  SILT_ASSIGN(const Tensor* tensor, find(name));
  if (!allowed(Use::kMatrix, tensor->type) || tensor->shape.size() != 2) {
    return invalid_argument("tensor " + std::string(name) + " is not a matrix");
  }
  const std::byte* scale = nullptr;
  if (tensor->type == DataType::kI8) {
    SILT_ASSIGN(const Tensor* row_scale, find(std::string(name) + ".scale"));
    scale = bytes_of(*row_scale).data();
  }
  return std::unique_ptr<MatrixSource>(
      std::make_unique<MappedMatrix>(tensor->type, static_cast<int>(tensor->shape[0]),
                                     static_cast<int>(tensor->shape[1]), bytes_of(*tensor).data(), scale));
}

Result<std::vector<float>> WeightsFile::vector(std::string_view name) const {
  SILT_ASSIGN(const Tensor* tensor, find(name));
  if (tensor->type != DataType::kF32) return invalid_argument("tensor " + std::string(name) + " is not F32");
  std::vector<float> out(tensor->size / sizeof(float));
  std::memcpy(out.data(), bytes_of(*tensor).data(), tensor->size);
  if (!std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); })) {
    return damaged("has a value that is not finite in tensor \"" + std::string(name) + "\"");
  }
  return out;
}

Result<std::vector<std::int32_t>> WeightsFile::integers(std::string_view name) const {
  SILT_ASSIGN(const Tensor* tensor, find(name));
  if (tensor->type != DataType::kI32) return invalid_argument("tensor " + std::string(name) + " is not I32");
  std::vector<std::int32_t> out(tensor->size / sizeof(std::int32_t));
  if (!out.empty()) std::memcpy(out.data(), bytes_of(*tensor).data(), tensor->size);
  return out;
}

Result<std::span<const std::byte>> WeightsFile::raw(std::string_view name) const {
  SILT_ASSIGN(const Tensor* tensor, find(name));
  return bytes_of(*tensor);
}

Digest WeightsFile::fingerprint() const {
  return digest_of(std::string_view(reinterpret_cast<const char*>(data_), size_));
}

void WeightsFile::release() const {
  ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

}  // namespace silt::model
