#include "model/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace silt::model::cpu {
namespace {

// The longest reduction of a backward product, in columns.
int widest(const ModelConfig& config) {
  return std::max({config.projected_width(), 2 * config.mlp_width, 2 * config.fast_width, config.width});
}

Status must_divide(const char* field, int value, int unit) {
  if (value > 0 && value % unit == 0) return Status::ok();
  return invalid_argument("the cpu backend needs " + std::string(field) + " to be a multiple of " +
                          std::to_string(unit) + ", it is " + std::to_string(value) + ": use backend ref");
}

}  // namespace

Status check_shape(const ModelConfig& config) {
  SILT_TRY(must_divide("width", config.width, kBlock));
  SILT_TRY(must_divide("mlp_width", config.mlp_width, kBlock));
  if (!config.has_ttt_layers()) SILT_TRY(must_divide("fast_width", config.fast_width, kBlock));
  SILT_TRY(must_divide("head_width", config.head_width, 16));
  SILT_TRY(must_divide("query width (heads x head_width)", config.query_width(), kBlock));
  return must_divide("minibatch_tokens", config.minibatch_tokens, 16);
}

CpuBackend::CpuBackend(const ModelConfig& config, const Kernels& kernels, int threads)
    : config_(config),
      kernels_(kernels),
      name_("cpu-" + std::string(kernels.isa)),
      team_(threads),
      score_stride_(round_up(config.window_tokens + config.minibatch_tokens, kBlock) + kBlock),
      rotary_(config, kernels_),
      scratch_(threads),
      backward_scratch_(threads),
      parts_(kVocabularyParts),
      target_logit_(config.minibatch_tokens),
      operand_(arena_, static_cast<std::size_t>(round_up(config.minibatch_tokens, kRowPad)) * config.width) {
  const int rows = round_up(config.minibatch_tokens, kRowPad);
  const int c_rows = round_up(std::max({config.minibatch_tokens, config.width, config.fast_width}), kRowPad);
  const int tile = kVocabularyTile * kBlock;
  const std::size_t scores =
      std::max<std::size_t>(kRowPad * score_stride_, std::size_t(rows) * (tile + kBlock));
  const int head_width = round_up(config.head_width, kBlock);
  for (Scratch& s : scratch_) {
    s.c = Array<float>(arena_, static_cast<std::size_t>(c_rows) * kBlock);
    s.scores = Array<float>(arena_, scores);
    s.operand = Array<Bf16>(arena_, scores);
    s.rows = Array<Bf16>(arena_, std::size_t(kRowPad) * head_width);
    s.keys = Array<Bf16>(arena_, static_cast<std::size_t>(score_stride_) * head_width);
    s.panel =
        Array<Bf16>(static_cast<std::size_t>(round_up(std::max(widest(config), tile), kBlock)) * kBlock);
  }
  if (config.has_ttt_layers()) ttt_ = std::make_unique<CpuTtt>(config_, kernels_, team_);
  for (VocabularyPart& part : parts_) {
    part.reference = Array<float>(config.minibatch_tokens);
    part.sum = Array<float>(config.minibatch_tokens);
  }
}

BufferPtr CpuBackend::allocate(int rows, int cols, Role role) {
  return std::make_unique<CpuBuffer>(rows, cols, role, config_.width);
}

void CpuBackend::upload(Buffer& to, std::span<const float> values) {
  CpuBuffer& buffer = as_cpu(to);
  const int cols = buffer.cols();
  SILT_CHECK(values.size() == static_cast<std::size_t>(buffer.rows()) * cols);
  for (int i = 0; i < buffer.rows(); ++i) {
    for (int j = 0; j < cols; ++j) {
      const float value = values[static_cast<std::size_t>(i) * cols + j];
      if (buffer.role() == Role::kOperand) {
        buffer.operand()[i * buffer.stride() + j] = to_bf16(value);
      } else {
        buffer.values()[i * buffer.stride() + j] = value;
      }
    }
  }
}

void CpuBackend::download(const Buffer& from, std::span<float> values) const {
  const CpuBuffer& buffer = as_cpu(from);
  const int cols = buffer.cols();
  SILT_CHECK(values.size() == static_cast<std::size_t>(buffer.rows()) * cols);
  for (int i = 0; i < buffer.rows(); ++i) {
    for (int j = 0; j < cols; ++j) {
      const long at = i * buffer.stride() + j;
      values[static_cast<std::size_t>(i) * cols + j] =
          buffer.role() == Role::kOperand ? to_float(buffer.operand()[at]) : buffer.values()[at];
    }
  }
}

std::span<std::byte> CpuBackend::raw(Buffer& buffer) {
  const CpuBuffer& b = as_cpu(buffer);
  SILT_CHECK(b.stride() == b.cols());  // states hold matrices of the net's width and masters only
  return {b.data(), static_cast<std::size_t>(b.rows()) * b.cols() * element_bytes(b.role())};
}

std::span<const std::byte> CpuBackend::raw(const Buffer& buffer) const {
  return const_cast<CpuBackend*>(this)->raw(const_cast<Buffer&>(buffer));
}

void CpuBackend::set_zero(Buffer& buffer) {
  const CpuBuffer& b = as_cpu(buffer);
  std::memset(b.data(), 0, static_cast<std::size_t>(b.rows()) * b.stride() * element_bytes(b.role()));
}

void CpuBackend::copy_rows(const Buffer& from, int from_row, int rows, Buffer& to, int to_row) {
  const CpuBuffer& source = as_cpu(from);
  const CpuBuffer& target = as_cpu(to);
  SILT_CHECK(source.stride() == target.stride() && source.role() == target.role());
  const std::size_t row_bytes = static_cast<std::size_t>(source.stride()) * element_bytes(source.role());
  std::memmove(target.data() + to_row * row_bytes, source.data() + from_row * row_bytes, rows * row_bytes);
}

MatrixPtr CpuBackend::pack(std::span<const MatrixSource* const> parts, MatrixUse /*use*/) {
  int out = 0;
  for (const MatrixSource* part : parts) out += part->out();
  const int in = parts[0]->in();
  const bool paired = parts.size() == 2;  // gate|up: the only matrix of two parts
  SILT_CHECK(!paired || parts[0]->out() == parts[1]->out());
  auto packed = std::make_unique<PackedMatrix>(arena_, in, out, paired);
  std::vector<float> row(out);
  for (int i = 0; i < in; ++i) {
    int column = 0;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      parts[part]->read_row(i, row.data());
      for (int j = 0; j < parts[part]->out(); ++j) {
        const int at = paired ? j / 16 * kBlock + static_cast<int>(part) * 16 + j % 16 : column + j;
        packed->set(i, at, to_bf16(row[j]));
      }
      column += parts[part]->out();
    }
  }
  return packed;
}

MatrixPtr CpuBackend::pack_embedding(const MatrixSource& embedding) {
  auto packed = std::make_unique<PackedMatrix>(arena_, embedding.out(), embedding.in(), false);
  std::vector<float> row(embedding.out());
  for (int token = 0; token < embedding.in(); ++token) {
    embedding.read_row(token, row.data());
    for (int i = 0; i < embedding.out(); ++i) packed->set(i, token, to_bf16(row[i]));
  }
  return packed;
}

FastPackPtr CpuBackend::allocate_fast_pack() {
  return std::make_unique<CpuFastPack>(arena_, config_);
}
KvCachePtr CpuBackend::allocate_kv_cache() {
  return std::make_unique<CpuKvCache>(arena_, config_);
}
AttentionTapePtr CpuBackend::allocate_attention_tape() {
  return std::make_unique<CpuAttentionTape>(arena_, config_);
}

}  // namespace silt::model::cpu
