#include "model/state_codec.h"

#include <span>

#include "base/bytes.h"
#include "base/check.h"

namespace silt::model {
namespace {

constexpr std::string_view kMagic = "siltstat";
constexpr std::uint32_t kFormat = 2;

// What a blob holds beside its counters.
enum Parts : std::uint8_t { kWeights = 1, kFrozenWindows = 2, kRecall = 4, kGate = 8, kAllParts = 15 };

// Calls visit(bytes) for every matrix, in stored order.
template <class AnyBackend, class Visit>
void for_each_matrix(const std::vector<BufferPtr>& matrices, AnyBackend& backend, Visit visit) {
  for (const BufferPtr& matrix : matrices) {
    if (matrix != nullptr) visit(backend.raw(*matrix));
  }
}

std::uint8_t parts_of(const AdaptedState& state, const StateMatrices& matrices, const Net& net) {
  int parts = matrices.weights == nullptr ? 0 : kWeights;
  if (!state.frozen_window.empty()) parts |= kFrozenWindows;
  if (state.recall == nullptr) return static_cast<std::uint8_t>(parts);
  parts |= kRecall;
  if (state.recall->gate != RecallGate(net.recall_gate)) parts |= kGate;
  return static_cast<std::uint8_t>(parts);
}

Status damaged(std::string_view what) {
  return data_loss("state blob is damaged: " + std::string(what) +
                   "; restore an older checkpoint or relearn the source");
}

// Processor and GPU store the same elements: float32 masters, bfloat16 operands.
bool stores_alike(std::string_view path) { return path.starts_with("cpu-") || path.starts_with("cuda-"); }

Status check_identity(ByteReader& reader, const Net& net, std::string_view path, bool crosses) {
  if (reader.u32() != kFormat) {
    return failed_precondition("state blob has another format version; relearn the source");
  }
  const std::string name(reader.string());
  const Digest fingerprint{.high = reader.u64(), .low = reader.u64()};
  if (!reader.ok()) return damaged("its header is cut short");
  if (name != path && !(crosses && stores_alike(name) && stores_alike(path))) {
    return failed_precondition("state was learned on backend " + name + ", this is " + std::string(path) +
                               "; open that backend or relearn the source");
  }
  if (fingerprint != net.fingerprint) {
    return failed_precondition("state belongs to weight file " + fingerprint.hex() + ", open is " +
                               net.fingerprint.hex() + "; open that file or relearn the source");
  }
  return Status::ok();
}

Status read_counters(ByteReader& reader, const ModelConfig& config, AdaptedState& state) {
  state.steps = reader.u64();
  state.tokens = reader.u64();
  const std::uint32_t valid = reader.u32();
  const std::uint32_t input = reader.u32();
  const std::uint64_t open = reader.varint();
  if (!reader.ok()) return damaged("its counters are cut short");
  if (valid > static_cast<std::uint32_t>(config.window_tokens)) return damaged("its window is too long");
  if (valid % static_cast<std::uint32_t>(config.minibatch_tokens) != 0) {
    return damaged("its window ends within a mini-batch");
  }
  if (input >= static_cast<std::uint32_t>(config.vocabulary)) return damaged("it holds an unknown token");
  if (open >= static_cast<std::uint64_t>(config.minibatch_tokens))
    return damaged("it has too many open tokens");
  state.window_valid = static_cast<int>(valid);
  state.input = static_cast<Token>(input);
  for (std::uint64_t i = 0; i < open; ++i) {
    const std::uint32_t token = reader.u32();
    if (token >= static_cast<std::uint32_t>(config.vocabulary)) return damaged("it holds an unknown token");
    state.open.push_back(static_cast<Token>(token));
  }
  return reader.ok() ? Status::ok() : damaged("its open tokens are cut short");
}

Status check_parts(std::uint8_t parts, const AdaptedState& state) {
  if ((parts & ~kAllParts) != 0) return damaged("it has unknown parts");
  const bool frozen = (parts & kFrozenWindows) != 0;
  if (frozen == state.frozen_window.empty()) {
    return failed_precondition(frozen ? "state has windows for frozen scores, which are off here"
                                      : "state was learned without frozen scores, which are on here");
  }
  if (((parts & kRecall) != 0) != (state.recall != nullptr)) {
    return failed_precondition("state and learner disagree about recall; relearn the source");
  }
  if ((parts & kGate) != 0 && state.recall == nullptr) return damaged("it has a gate and no recall");
  return Status::ok();
}

}  // namespace

AdaptedState empty_state(const Net& net, bool frozen, bool recall) {
  AdaptedState state;
  state.weights = net.initial;
  state.window.resize(static_cast<std::size_t>(net.config.windows()));
  if (frozen) state.frozen_window.resize(static_cast<std::size_t>(net.config.frozen_windows()));
  state.tag = std::make_shared<const char>();
  if (recall && net.config.recall_slots_log2 > 0) {
    state.recall.reset(
        new RecallState{RecallMemory(net.config.recall_slots_log2), RecallGate(net.recall_gate)});
  }
  return state;
}

StateMatrices matrices_of(const AdaptedState& state, const Net& net) {
  return {.weights = state.weights == net.initial ? nullptr : &state.weights->buffers,
          .window = &state.window,
          .frozen_window = &state.frozen_window};
}

std::string path_of(std::string_view blob) {
  if (!blob.starts_with(kMagic)) return {};
  ByteReader reader(blob.substr(kMagic.size()));
  if (reader.u32() != kFormat) return {};
  const std::string path(reader.string());
  return reader.ok() ? path : std::string();
}

std::string encode_state(const AdaptedState& state, const StateMatrices& matrices, const Net& net,
                         const Backend& backend, std::string_view path) {
  SILT_CHECK(state.weights != nullptr);  // moved from, or never made by a learner
  ByteWriter writer;
  writer.raw(kMagic.data(), kMagic.size());
  writer.u32(kFormat);
  writer.string(path);
  writer.u64(net.fingerprint.high);
  writer.u64(net.fingerprint.low);
  writer.u64(state.steps);
  writer.u64(state.tokens);
  writer.u32(static_cast<std::uint32_t>(state.window_valid));
  writer.u32(static_cast<std::uint32_t>(state.input));
  writer.varint(state.open.size());
  for (const Token token : state.open) writer.u32(static_cast<std::uint32_t>(token));
  const std::uint8_t parts = parts_of(state, matrices, net);
  writer.u8(parts);
  const auto put = [&](std::span<const std::byte> bytes) { writer.raw(bytes.data(), bytes.size()); };
  if ((parts & kWeights) != 0) for_each_matrix(*matrices.weights, backend, put);
  for (const auto* windows : {matrices.window, matrices.frozen_window}) for_each_matrix(*windows, backend, put);
  if ((parts & kRecall) != 0) state.recall->memory.encode(writer);
  if ((parts & kGate) != 0) state.recall->gate.encode(writer);
  const Digest digest = digest_of(writer.bytes());
  writer.u64(digest.high);
  writer.u64(digest.low);
  return writer.take();
}

Status decode_state(std::string_view blob, const Net& net, Backend& backend, std::string_view path, bool crosses,
                    FastWeightsPool& pool, AdaptedState& state) {
  constexpr std::size_t kDigestBytes = 16;
  if (!blob.starts_with(kMagic) || blob.size() < kMagic.size() + kDigestBytes) {
    return damaged("it does not begin like one");
  }
  ByteReader tail(blob.substr(blob.size() - kDigestBytes));
  const Digest stored{.high = tail.u64(), .low = tail.u64()};
  const std::string_view body = blob.substr(0, blob.size() - kDigestBytes);
  if (digest_of(body) != stored) return damaged("its digest does not match");

  ByteReader reader(body.substr(kMagic.size()));
  SILT_TRY(check_identity(reader, net, path, crosses));
  SILT_TRY(read_counters(reader, net.config, state));
  const std::uint8_t parts = reader.u8();
  SILT_TRY(check_parts(parts, state));
  const auto get = [&](std::span<std::byte> bytes) { reader.raw(bytes.data(), bytes.size()); };
  if ((parts & kWeights) != 0) {
    const std::shared_ptr<FastWeights> weights = pool.take();
    for_each_matrix(weights->buffers, backend, get);
    state.weights = weights;
  }
  for (auto* windows : {&state.window, &state.frozen_window}) {
    for (BufferPtr& window : *windows) {
      if (state.window_valid > 0)
        window = backend.allocate(state.window_valid, net.config.width, Role::kOperand);
    }
    for_each_matrix(*windows, backend, get);
  }
  const bool recalled =
      ((parts & kRecall) == 0 || state.recall->memory.decode(reader, net.config.vocabulary)) &&
      ((parts & kGate) == 0 || state.recall->gate.decode(reader));
  if (!recalled && reader.ok()) return damaged("its recall makes no sense");
  if (!reader.ok() || reader.remaining() != 0) return damaged("its size is wrong");
  return Status::ok();
}

Digest state_digest(const AdaptedState& state, const StateMatrices& matrices, const Net& net,
                    const Backend& backend) {
  SILT_CHECK(state.weights != nullptr);
  const auto* weights = matrices.weights == nullptr ? &net.initial->buffers : matrices.weights;
  std::vector<std::span<const std::byte>> pieces;
  for (const auto* part : {weights, matrices.window, matrices.frozen_window}) {
    for_each_matrix(*part, backend, [&](std::span<const std::byte> bytes) { pieces.push_back(bytes); });
  }
  return state_digest(state, pieces);
}

Digest state_digest(const AdaptedState& state, std::span<const std::span<const std::byte>> matrices) {
  Digester digester;
  ByteWriter counters;
  counters.u64(state.steps);
  counters.u64(state.tokens);
  counters.u32(static_cast<std::uint32_t>(state.window_valid));
  counters.u32(static_cast<std::uint32_t>(state.input));
  counters.varint(state.open.size());
  for (const Token token : state.open) counters.u32(static_cast<std::uint32_t>(token));
  digester.update(counters.bytes());
  for (const std::span<const std::byte> bytes : matrices) digester.update(bytes.data(), bytes.size());
  if (state.recall != nullptr) state.recall->digest(digester);
  return digester.finish();
}

}  // namespace silt::model
