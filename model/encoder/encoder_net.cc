#include "model/encoder/encoder_net.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "model/cpu/features.h"

namespace silt::model {
namespace {

constexpr int kStep = 16;           // cpu::ExactRows: rows are multiples of it
constexpr int kInputsMax = 2048;    // beyond it a sum of multiply_int8() may not fit
constexpr int kSizeMax = 1 << 20;   // of anything else, so that products of two fit

std::size_t area(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

template <class T>
void grow(std::vector<T>& values, std::size_t size) {
  if (values.size() < size) values.resize(size);
}

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

// Finds and checks tensors. The first failure sticks; what follows it reads nothing.
class EncoderNet::Loader {
 public:
  explicit Loader(const SafetensorsFile& file) : file_(file) {}

  Status shape(EncoderShape& s) {
    const std::pair<std::string_view, int*> sizes[] = {
        {"layers", &s.layers},       {"width", &s.width},           {"heads", &s.heads},
        {"mlp_width", &s.mlp_width}, {"vocabulary", &s.vocabulary}, {"positions", &s.positions}};
    for (const auto& [key, value] : sizes) {
      if (!parse(file_.metadata(key), *value) || *value < 1 || *value > kSizeMax) {
        return file_.damaged("has no number \"" + std::string(key) + "\"");
      }
    }
    if (!parse(file_.metadata("norm_epsilon"), s.norm_epsilon) || !(s.norm_epsilon >= 0)) {
      return file_.damaged("has no number \"norm_epsilon\"");
    }
    if (s.width % (s.heads * kStep) != 0 || s.mlp_width % kStep != 0 || s.width > kInputsMax ||
        s.mlp_width > kInputsMax) {
      return file_.damaged("has heads or widths that are no multiples of 16, or above " +
                           std::to_string(kInputsMax));
    }
    return Status::ok();
  }

  const std::byte* tensor(const std::string& name, DataType type, const Shape& shape) {
    known_.insert(name);
    if (!status_.is_ok()) return nullptr;
    const auto found = file_.find(name);
    if (!found.is_ok()) {
      status_ = file_.damaged("lacks tensor \"" + name + "\"");
    } else if ((*found)->type != type || (*found)->shape != shape) {
      status_ = file_.damaged("has tensor \"" + name + "\" of type " + std::string(name_of((*found)->type)) +
                              " and shape " + to_string((*found)->shape) + " instead of " +
                              std::string(name_of(type)) + " and " + to_string(shape));
    } else {
      return file_.bytes_of(**found).data();
    }
    return nullptr;
  }

  const float* floats(const std::string& name, int count) {
    const auto* values = reinterpret_cast<const float*>(tensor(name, DataType::kF32, {count}));
    if (values != nullptr && !std::all_of(values, values + count, [](float v) { return std::isfinite(v); })) {
      status_ = file_.damaged("has a value that is not finite in tensor \"" + name + "\"");
    }
    return values;
  }

  Rows rows(const std::string& name, int count, int width) {
    const auto* data = reinterpret_cast<const std::int8_t*>(tensor(name, DataType::kI8, {count, width}));
    return {data, floats(name + ".scale", count)};
  }

  Norm norm(const std::string& name, int width) {
    return {floats(name + ".gain", width), floats(name + ".bias", width)};
  }

  Linear linear(const std::string& name, int in, int out) {
    const Shape shape{out / cpu::kInt8Columns, in / 2, cpu::kInt8Columns, 2};
    const auto* panels = reinterpret_cast<const std::int8_t*>(tensor(name, DataType::kI8, shape));
    return {panels, floats(name + ".scale", out), floats(name + ".bias", out), in, out};
  }

  bool ok() const { return status_.is_ok(); }
  // The first failure, or a tensor that nobody asked for.
  Status finish() {
    for (const auto& [name, tensor] : file_.tensors()) {
      if (!status_.is_ok() || name.starts_with("tokenizer.") || known_.contains(name)) continue;
      status_ = file_.damaged("has an unknown tensor \"" + name + "\"");
    }
    return status_;
  }

 private:
  const SafetensorsFile& file_;
  std::set<std::string, std::less<>> known_;
  Status status_;
};

Result<EncoderNet> EncoderNet::load(const SafetensorsFile& file, std::string_view isa) {
  EncoderNet net;
  net.kernels_ = cpu::kernels_of(isa);
  Loader loader(file);
  EncoderShape& s = net.shape_;
  SILT_TRY(loader.shape(s));
  net.embedding_ = loader.rows("embedding", s.vocabulary, s.width);
  net.positions_ = loader.rows("positions", s.positions, s.width);
  net.embedding_norm_ = loader.norm("embedding_norm", s.width);
  for (int n = 0; n < s.layers && loader.ok(); ++n) {
    const std::string block = "blocks." + std::to_string(n) + ".";
    net.blocks_.push_back({.qkv = loader.linear(block + "attention.qkv", s.width, 3 * s.width),
                           .out = loader.linear(block + "attention.out", s.width, s.width),
                           .up = loader.linear(block + "mlp.up", s.width, s.mlp_width),
                           .down = loader.linear(block + "mlp.down", s.mlp_width, s.width),
                           .attention_norm = loader.norm(block + "attention_norm", s.width),
                           .mlp_norm = loader.norm(block + "mlp_norm", s.width)});
  }
  SILT_TRY(loader.finish());
  return net;
}

void EncoderNet::embed(std::span<const std::int32_t> tokens, std::span<const int> lengths,
                       float* hidden) const {
  const int d = shape_.width;
  const cpu::ExactRows& exact = kernels_.exact;
  const std::int32_t* token = tokens.data();
  for (const int length : lengths) {
    for (int position = 0; position < length; ++position, ++token, hidden += d) {
      exact.add_scaled_bytes(embedding_.data + area(*token, d), embedding_.scale[*token],
                             positions_.data + area(position, d), positions_.scale[position], d, hidden);
      exact.layer_norm(hidden, embedding_norm_.gain, embedding_norm_.bias, d, shape_.norm_epsilon, hidden);
    }
  }
}

// y [rows][out] = x [rows][in] W + bias
void EncoderNet::multiply(const Linear& linear, const float* x, int rows, Workspace& work, float* y) const {
  constexpr int kColumns = cpu::kInt8Columns;
  grow(work.words, area(rows, linear.in));
  grow(work.steps, area(rows, 1));
  grow(work.sums, area(rows, kColumns));
  for (int row = 0; row < rows; ++row) {
    work.steps[static_cast<std::size_t>(row)] =
        kernels_.exact.quantise(x + area(row, linear.in), linear.in, work.words.data() + area(row, linear.in));
  }
  for (int begin = 0; begin < linear.out; begin += kColumns) {
    kernels_.multiply_int8(work.words.data(), linear.in, rows, linear.panels + area(begin, linear.in),
                           linear.in, work.sums.data(), kColumns);
    kernels_.exact.dequantise(work.sums.data(), work.steps.data(), rows, linear.scale + begin, linear.bias + begin,
                              y + begin, linear.out);
  }
}

// mixed [rows][d]: for each head and row, the values of its text weighed by query times key.
void EncoderNet::attend(std::span<const int> lengths, const float* qkv, Workspace& work, float* mixed) const {
  const int d = shape_.width, head_width = d / shape_.heads;
  for (const int length : lengths) {
    grow(work.heads, area(head_width + 1, length + kStep));
    for (int head = 0; head < shape_.heads; ++head) {
      kernels_.exact.attend(qkv + head * head_width, length, d, head_width, work.heads.data(), mixed + head * head_width);
    }
    qkv += area(length, 3 * d);
    mixed += area(length, d);
  }
}

void EncoderNet::add_and_norm(const float* x, const Norm& norm, int rows, float* hidden) const {
  const int d = shape_.width;
  for (int row = 0; row < rows; ++row, x += d, hidden += d) {
    kernels_.exact.add(x, d, hidden);
    kernels_.exact.layer_norm(hidden, norm.gain, norm.bias, d, shape_.norm_epsilon, hidden);
  }
}

void EncoderNet::run(std::span<const std::int32_t> tokens, std::span<const int> lengths, Workspace& work,
                     float* vectors) const {
  const int d = shape_.width, rows = static_cast<int>(tokens.size());
  grow(work.hidden, area(rows, d));
  grow(work.projected, area(rows, d));
  grow(work.mixed, area(rows, d));
  grow(work.wide, area(rows, std::max(3 * d, shape_.mlp_width)));
  float* hidden = work.hidden.data();
  float* wide = work.wide.data();
  kernels_.enter();
  embed(tokens, lengths, hidden);
  for (const Block& block : blocks_) {
    multiply(block.qkv, hidden, rows, work, wide);
    attend(lengths, wide, work, work.mixed.data());
    multiply(block.out, work.mixed.data(), rows, work, work.projected.data());
    add_and_norm(work.projected.data(), block.attention_norm, rows, hidden);
    multiply(block.up, hidden, rows, work, wide);
    kernels_.exact.gelu(wide, static_cast<long>(area(rows, shape_.mlp_width)));
    multiply(block.down, wide, rows, work, work.projected.data());
    add_and_norm(work.projected.data(), block.mlp_norm, rows, hidden);
  }
  kernels_.leave();
  for (const int length : lengths) {
    kernels_.exact.unit_mean(hidden, length, d, vectors);
    hidden += area(length, d);
    vectors += d;
  }
}

}  // namespace silt::model
