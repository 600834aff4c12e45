#include "model/state_codec.h"

#include <span>

#include "base/bytes.h"
#include "base/check.h"

namespace silt::model {
namespace {

constexpr std::string_view kMagic = "siltstat";
constexpr std::uint32_t kFormat = 1;

// The part of a window that exists: its last `valid` rows.
template <class Bytes>
Bytes valid_rows(Bytes window, int rows, int valid) {
  return window.last(window.size() / static_cast<std::size_t>(rows) * static_cast<std::size_t>(valid));
}

// Calls visit(bytes) for every tensor of a state, in stored order.
template <class State, class Weights, class AnyBackend, class Visit>
void for_each_tensor(State& state, Weights& weights, AnyBackend& backend, Visit visit) {
  for (const BufferPtr& buffer : weights.buffers) visit(backend.raw(*buffer));
  for (const auto* windows : {&state.window, &state.frozen_window}) {
    for (const BufferPtr& window : *windows) {
      visit(valid_rows(backend.raw(*window), window->rows(), state.window_valid));
    }
  }
}

Status damaged(std::string_view what) {
  return data_loss("state blob is damaged: " + std::string(what) +
                   "; restore an older checkpoint or relearn the source");
}

Status check_identity(ByteReader& reader, const Net& net, const Backend& backend) {
  if (reader.u32() != kFormat) {
    return failed_precondition("state blob has another format version; relearn the source");
  }
  const std::string name(reader.string());
  const Digest fingerprint{.high = reader.u64(), .low = reader.u64()};
  if (!reader.ok()) return damaged("its header is cut short");
  if (name != backend.name()) {
    return failed_precondition("state was learned on backend " + name + ", this is " +
                               std::string(backend.name()) + "; open that backend or relearn the source");
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

}  // namespace

AdaptedState allocate_state(const ModelConfig& config, Backend& backend, bool frozen) {
  AdaptedState state;
  const auto window = [&] { return backend.allocate(config.window_tokens, config.width, Role::kOperand); };
  for (int i = 0; i < config.windows(); ++i) state.window.push_back(window());
  for (int i = 0; frozen && i < config.frozen_windows(); ++i) state.frozen_window.push_back(window());
  state.open.reserve(static_cast<std::size_t>(config.minibatch_tokens));
  state.tag = std::make_shared<const char>();
  if (config.recall_slots_log2 > 0) {
    state.recall.reset(new RecallState{RecallMemory(config.recall_slots_log2), RecallGate()});
  }
  return state;
}

std::string encode_state(const AdaptedState& state, const Net& net, const Backend& backend) {
  SILT_CHECK(state.weights != nullptr);  // moved from, or never made by a learner
  ByteWriter writer;
  writer.raw(kMagic.data(), kMagic.size());
  writer.u32(kFormat);
  writer.string(backend.name());
  writer.u64(net.fingerprint.high);
  writer.u64(net.fingerprint.low);
  writer.u64(state.steps);
  writer.u64(state.tokens);
  writer.u32(static_cast<std::uint32_t>(state.window_valid));
  writer.u32(static_cast<std::uint32_t>(state.input));
  writer.varint(state.open.size());
  for (const Token token : state.open) writer.u32(static_cast<std::uint32_t>(token));
  writer.u8(state.frozen_window.empty() ? 0 : 1);
  for_each_tensor(state, *state.weights, backend,
                  [&](std::span<const std::byte> bytes) { writer.raw(bytes.data(), bytes.size()); });
  if (net.config.recall_slots_log2 > 0) writer.u8(state.recall == nullptr ? 0 : 1);
  if (state.recall != nullptr) state.recall->encode(writer);
  const Digest digest = digest_of(writer.bytes());
  writer.u64(digest.high);
  writer.u64(digest.low);
  return writer.take();
}

Status decode_state(std::string_view blob, const Net& net, Backend& backend, AdaptedState& state,
                    FastWeights& weights) {
  constexpr std::size_t kDigestBytes = 16;
  if (!blob.starts_with(kMagic) || blob.size() < kMagic.size() + kDigestBytes) {
    return damaged("it does not begin like one");
  }
  ByteReader tail(blob.substr(blob.size() - kDigestBytes));
  const Digest stored{.high = tail.u64(), .low = tail.u64()};
  const std::string_view body = blob.substr(0, blob.size() - kDigestBytes);
  if (digest_of(body) != stored) return damaged("its digest does not match");

  ByteReader reader(body.substr(kMagic.size()));
  SILT_TRY(check_identity(reader, net, backend));
  SILT_TRY(read_counters(reader, net.config, state));
  const bool frozen = reader.u8() != 0;
  if (frozen != !state.frozen_window.empty()) {
    return failed_precondition(frozen ? "state has windows for frozen scores, which are off here"
                                      : "state was learned without frozen scores, which are on here");
  }
  for_each_tensor(state, weights, backend,
                  [&](std::span<std::byte> bytes) { reader.raw(bytes.data(), bytes.size()); });
  if (net.config.recall_slots_log2 > 0 && (reader.u8() != 0) != (state.recall != nullptr)) {
    return failed_precondition("state and learner disagree about recall; relearn the source");
  }
  if (state.recall != nullptr && reader.ok() && !state.recall->decode(reader, net.config.vocabulary)) {
    return damaged("its recall makes no sense");
  }
  if (!reader.ok() || reader.remaining() != 0) return damaged("its size is wrong");
  return Status::ok();
}

Digest state_digest(const AdaptedState& state, const Backend& backend) {
  SILT_CHECK(state.weights != nullptr);
  Digester digester;
  ByteWriter counters;
  counters.u64(state.steps);
  counters.u64(state.tokens);
  counters.u32(static_cast<std::uint32_t>(state.window_valid));
  counters.u32(static_cast<std::uint32_t>(state.input));
  counters.varint(state.open.size());
  for (const Token token : state.open) counters.u32(static_cast<std::uint32_t>(token));
  digester.update(counters.bytes());
  for_each_tensor(state, *state.weights, backend,
                  [&](std::span<const std::byte> bytes) { digester.update(bytes.data(), bytes.size()); });
  if (state.recall != nullptr) state.recall->digest(digester);
  return digester.finish();
}

}  // namespace silt::model
