#include "model/cuda/step.h"

#include <algorithm>

namespace silt::model::cuda {
namespace {

constexpr std::size_t kAlignment = 256;

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// y = x W, for W as DeviceNet has it: [out, in].
Product forward(const Half* x, const Half* w, int rows, int in, int out, Half* y) {
  return {.a = x, .b = w, .c_in = nullptr, .c = y, .b_rows = true, .half_out = true, .m = rows, .n = out, .k = in,
          .lda = in, .ldb = in, .parts = 1, .a_part = 0, .b_part = 0, .c_part = 0};
}
// h = h_in + x W
Product forward_add(const Half* x, const Half* w, int rows, int in, int out, const float* h_in, float* h) {
  Product p = forward(x, w, rows, in, out, nullptr);
  p.half_out = false;
  p.c_in = h_in;
  p.c = h;
  return p;
}
// dx = dy W^T; to floats or halves
Product backward_to(const Half* dy, const Half* w, int rows, int out, int in, void* dx, bool half_out) {
  return {.a = dy,
          .b = w,
          .c_in = nullptr,
          .c = dx,
          .b_rows = false,
          .half_out = half_out,
          .m = rows,
          .n = in,
          .k = out,
          .lda = out,
          .ldb = in,
          .parts = 1,
          .a_part = 0,
          .b_part = 0,
          .c_part = 0};
}
// From the head's logits, in kHeadParts parts of the vocabulary.
Product head_backward(const Half* dlogits, const Half* embedding, int rows, int vocabulary, int width, float* dx) {
  const int k = vocabulary / kHeadParts;
  return {.a = dlogits, .b = embedding, .c_in = nullptr, .c = dx, .b_rows = false, .half_out = false, .m = rows,
          .n = width, .k = k, .lda = vocabulary, .ldb = width, .parts = kHeadParts,
          .a_part = static_cast<std::size_t>(k), .b_part = static_cast<std::size_t>(k) * width,
          .c_part = static_cast<std::size_t>(rows) * width};
}

}  // namespace

std::vector<int> row_counts(int lanes_max) {
  std::vector<int> counts;
  for (int lanes = 1; lanes <= padded(lanes_max); lanes *= 2) counts.push_back(lanes * kBlockRows);
  return counts;
}

int padded(int lanes) {
  int size = 1;
  while (size < lanes) size *= 2;
  return size;
}

std::vector<Product> products_of(const DeviceNet& net) {
  const Shape& s = net.shape;
  const int d = s.width, a = s.attention_width(), m = kBlockRows;
  float one = 0;  // of products that add
  const auto gate_up = [&](bool adapted) { return 2 * s.mlp_width + (adapted ? 2 * s.fast_width : 0); };
  std::vector<Product> kinds = {
      forward(nullptr, nullptr, m, d, s.qkv_width(), nullptr),
      forward_add(nullptr, nullptr, m, a, d, &one, nullptr),
      forward(nullptr, nullptr, m, d, gate_up(false), nullptr),
      forward(nullptr, nullptr, m, d, gate_up(true), nullptr),
      forward_add(nullptr, nullptr, m, s.mlp_width, d, &one, nullptr),
      forward_add(nullptr, nullptr, m, s.fast_width, d, &one, nullptr),
      forward(nullptr, nullptr, m, d, s.vocabulary, nullptr),
      head_backward(nullptr, nullptr, m, s.vocabulary, d, nullptr),
      backward_to(nullptr, nullptr, m, d, s.mlp_width, nullptr, true),
      backward_to(nullptr, nullptr, m, gate_up(true), d, nullptr, false),
      backward_to(nullptr, nullptr, m, d, a, nullptr, true),
      backward_to(nullptr, nullptr, m, s.qkv_width(), d, nullptr, false),
  };
  return kinds;
}

InputLayout::InputLayout(int lane_count, int candidates_per_row) {
  const std::size_t rows = static_cast<std::size_t>(lane_count) * kBlockRows;
  lanes = 0;
  tokens = aligned(static_cast<std::size_t>(lane_count) * sizeof(LaneArgs));
  targets = tokens + rows * sizeof(std::int32_t);
  candidates = targets + rows * sizeof(std::int32_t);
  size = aligned(candidates + rows * static_cast<std::size_t>(candidates_per_row) * sizeof(std::int32_t));
}

OutputLayout::OutputLayout(int lane_count, int candidates_per_row) {
  const std::size_t rows = static_cast<std::size_t>(lane_count) * kBlockRows;
  results = 0;
  nll = aligned(static_cast<std::size_t>(lane_count) * sizeof(LaneResult));
  frozen_nll = nll + rows * sizeof(float);
  rest_nats = frozen_nll + rows * sizeof(float);
  candidate_nats = rest_nats + rows * sizeof(float);
  size = aligned(candidate_nats + rows * static_cast<std::size_t>(candidates_per_row) * sizeof(float));
}

std::size_t Workspace::place(const Shape& s, int lanes, int candidates_per_row, std::byte* base) {
  tapes.resize(static_cast<std::size_t>(s.fast_layers));
  const std::size_t rows = static_cast<std::size_t>(lanes) * kBlockRows;
  std::size_t used = 0;
  const auto take = [&](auto*& pointer, std::size_t count) {
    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(base == nullptr ? nullptr : base + used);
    used += aligned(count * sizeof *pointer);
  };
  const auto d = static_cast<std::size_t>(s.width), a = static_cast<std::size_t>(s.attention_width());
  const auto m = static_cast<std::size_t>(s.mlp_width), f = static_cast<std::size_t>(s.fast_width);
  for (float** residual : {&h, &frozen_h, &dh}) take(*residual, rows * d);
  take(dx, rows * d * kHeadParts);
  take(x, rows * d);
  for (Half** halves : {&qkv, &dqkv}) take(*halves, rows * 3 * a);
  for (Half** halves : {&attended, &dout}) take(*halves, rows * a);
  for (Half** halves : {&pre, &dpre}) take(*halves, rows * 2 * (m + f));
  for (Half** halves : {&act, &dact}) take(*halves, rows * m);
  for (Half** halves : {&fast_act, &fast_dact}) take(*halves, rows * f);
  take(logits, rows * static_cast<std::size_t>(s.vocabulary));
  take(norm_parts, static_cast<std::size_t>(lanes) * tapes.size() * kGramTiles);
  for (Tape& tape : tapes) {
    take(tape.h_mid, rows * d);
    take(tape.h_out, rows * d);
    take(tape.qkv, rows * 3 * a);
    take(tape.attended, rows * a);
    take(tape.pre, rows * 2 * (m + f));
    take(tape.fast_act, rows * f);
    take(tape.dh, rows * d);
    take(tape.lse, rows * static_cast<std::size_t>(s.heads));
  }
  take(input, InputLayout(lanes, candidates_per_row).size);
  take(output, OutputLayout(lanes, candidates_per_row).size);
  return used;
}

std::size_t Workspace::bytes(const Shape& shape, int lanes, int candidates_per_row) {
  return Workspace().place(shape, lanes, candidates_per_row, nullptr);
}

Result<Workspace> Workspace::allocate(const Shape& shape, int lanes, int candidates_per_row) {
  Workspace w;
  const std::size_t size = bytes(shape, lanes, candidates_per_row);
  SILT_ASSIGN(w.memory_, DeviceMemory::allocate(size));
  SILT_CUDA(cudaMemset(w.memory_.as<std::byte>(), 0, size));
  w.place(shape, lanes, candidates_per_row, w.memory_.as<std::byte>());
  return w;
}

Step::Step(const DeviceNet& net, const Workspace& workspace, int lanes, int candidates_per_row, bool frozen,
           cudaStream_t stream)
    : net_(net),
      shape_(net.shape),
      w_(workspace),
      lanes_(lanes),
      rows_(lanes * kBlockRows),
      candidates_per_row_(candidates_per_row),
      frozen_(frozen),
      stream_(stream),
      in_(lanes, candidates_per_row),
      out_(lanes, candidates_per_row) {}

const LaneArgs* Step::lane_args() const { return reinterpret_cast<const LaneArgs*>(w_.input + in_.lanes); }

Status Step::run(const Product& p) const { return net_.products->run(p, stream_); }

Status Step::launch(bool learns, const std::byte* input, std::byte* output) const {
  SILT_CUDA(copy_block(input, w_.input, in_.size, stream_));
  SILT_TRY(compute(learns));
  SILT_CUDA(copy_block(w_.output, output, out_.size, stream_));
  return Status::ok();
}

Status Step::compute(bool learns) const {
  SILT_CUDA(embed(reinterpret_cast<const std::int32_t*>(w_.input + in_.tokens), net_.embedding, rows_, shape_.width,
                  w_.h, stream_));
  SILT_TRY(prefix());
  const float* h = w_.h;
  for (int i = 0; i < shape_.fast_layers; ++i) {
    SILT_TRY(adapted(i, h, learns));
    h = w_.tapes[static_cast<std::size_t>(i)].h_out;
  }
  SILT_TRY(head(h, reinterpret_cast<float*>(w_.output + out_.nll), /*frozen=*/false, learns));
  if (learns) SILT_TRY(backward());
  return frozen_ ? frozen_pass() : Status::ok();
}

// to.h_mid = h_in + attention(norm(h_in)), by way of to.qkv and to.attended.
Status Step::attend(int layer, const float* h_in, const Workspace::Tape& to, bool keeps_lse, bool frozen) const {
  const DeviceBlock& block = net_.blocks[static_cast<std::size_t>(layer)];
  const int d = shape_.width, a = shape_.attention_width();
  const auto ring = static_cast<std::size_t>(frozen ? layer - shape_.prefix_layers() - 1 : layer);
  SILT_CUDA(rms_norm(h_in, block.attention_gain, rows_, d, shape_.norm_epsilon, w_.x,
                     {.lanes = lane_args(), .frozen = frozen, .offset = ring * shape_.x_size()}, stream_));
  SILT_TRY(run(forward(w_.x, block.qkv, rows_, d, shape_.qkv_width(), to.qkv)));
  const AttentionArgs args = {.lanes = lane_args(), .rotary = net_.rotary, .qkv = to.qkv, .out = to.attended,
                              .lse = keeps_lse ? to.lse : nullptr, .heads = shape_.heads,
                              .window_blocks = shape_.window_blocks, .frozen = frozen,
                              .ring_offset = 2 * ring * shape_.ring_size(), .ring_size = shape_.ring_size()};
  SILT_CUDA(attention(args, lanes_, stream_));
  return run(forward_add(to.attended, block.output, rows_, a, d, h_in, to.h_mid));
}

Status Step::prefix() const {
  const int d = shape_.width, m = shape_.mlp_width;
  Workspace::Tape scratch;
  scratch.qkv = w_.qkv;
  scratch.attended = w_.attended;
  scratch.h_mid = w_.h;
  for (int layer = 0; layer < shape_.prefix_layers(); ++layer) {
    const DeviceBlock& block = net_.blocks[static_cast<std::size_t>(layer)];
    SILT_TRY(attend(layer, w_.h, scratch, /*keeps_lse=*/false, /*frozen=*/false));
    SILT_CUDA(rms_norm(w_.h, nullptr, rows_, d, shape_.norm_epsilon, w_.x, {}, stream_));
    SILT_TRY(run(forward(w_.x, block.gate_up, rows_, d, 2 * m, w_.pre)));
    SILT_CUDA(swiglu(w_.pre, rows_, m, 0, w_.act, nullptr, stream_));
    SILT_TRY(run(forward_add(w_.act, block.down, rows_, m, d, w_.h, w_.h)));
  }
  return Status::ok();
}

// tape.h_out from h_in; the lowest adapted block also leaves frozen_h, which is what W_0 makes of it.
Status Step::adapted(int i, const float* h_in, bool learns) const {
  const int layer = shape_.prefix_layers() + i, d = shape_.width, m = shape_.mlp_width, f = shape_.fast_width;
  const DeviceBlock& block = net_.blocks[static_cast<std::size_t>(layer)];
  const Workspace::Tape& tape = w_.tapes[static_cast<std::size_t>(i)];
  SILT_TRY(attend(layer, h_in, tape, learns && i > 0, /*frozen=*/false));
  SILT_CUDA(rms_norm(tape.h_mid, nullptr, rows_, d, shape_.norm_epsilon, w_.x, {}, stream_));
  SILT_TRY(run(forward(w_.x, block.gate_up, rows_, d, 2 * (m + f), tape.pre)));
  SILT_CUDA(swiglu(tape.pre, rows_, m, f, w_.act, tape.fast_act, stream_));
  SILT_TRY(run(forward_add(w_.act, block.down, rows_, m, d, tape.h_mid, tape.h_out)));
  if (frozen_ && i == 0) {
    SILT_TRY(run(forward_add(tape.fast_act, net_.initial_down[0], rows_, f, d, tape.h_out, w_.frozen_h)));
  }
  SILT_CUDA(fast_down(lane_args(), tape.fast_act, tape.h_out, i, shape_, lanes_, stream_));
  return Status::ok();
}

Status Step::head(const float* h, float* nll, bool frozen, bool gradient) const {
  SILT_CUDA(rms_norm(h, net_.final_gain, rows_, shape_.width, shape_.norm_epsilon, w_.x, {}, stream_));
  SILT_TRY(run(forward(w_.x, net_.embedding, rows_, shape_.width, shape_.vocabulary, w_.logits)));
  const bool asks = candidates_per_row_ > 0 && !frozen;
  const CrossEntropy args = {
      .logits = w_.logits,
      .targets = reinterpret_cast<const std::int32_t*>(w_.input + in_.targets),
      .candidates = asks ? reinterpret_cast<const std::int32_t*>(w_.input + in_.candidates) : nullptr,
      .per_row = candidates_per_row_,
      .gradient = gradient,
      .nll = nll,
      .candidate_nats = reinterpret_cast<float*>(w_.output + out_.candidate_nats),
      .rest_nats = reinterpret_cast<float*>(w_.output + out_.rest_nats)};
  SILT_CUDA(cross_entropy(args, rows_, shape_.vocabulary, stream_));
  return Status::ok();
}

Status Step::backward() const {
  const Workspace::Tape& last = w_.tapes.back();
  SILT_TRY(run(head_backward(w_.logits, net_.embedding, rows_, shape_.vocabulary, shape_.width, w_.dx)));
  const NormGradient head = {.dx = w_.dx,
                             .parts = kHeadParts,
                             .h = last.h_out,
                             .gain = net_.final_gain,
                             .dh_in = nullptr,
                             .dh = w_.dh,
                             .dh_half = last.dh};
  SILT_CUDA(rms_norm_backward(head, rows_, shape_.width, shape_.norm_epsilon, stream_));
  for (int i = shape_.fast_layers - 1; i > 0; --i) SILT_TRY(backward_block(i));
  return learn();
}

// dh comes in as the gradient after adapted block i and leaves as that before it.
Status Step::backward_block(int i) const {
  const int layer = shape_.prefix_layers() + i, d = shape_.width, m = shape_.mlp_width, f = shape_.fast_width;
  const DeviceBlock& block = net_.blocks[static_cast<std::size_t>(layer)];
  const Workspace::Tape& tape = w_.tapes[static_cast<std::size_t>(i)];
  const Workspace::Tape& below = w_.tapes[static_cast<std::size_t>(i - 1)];
  const auto norm_backward = [&](const float* h, const float* gain, Half* rounded) -> Status {
    const NormGradient g = {
        .dx = w_.dx, .parts = 1, .h = h, .gain = gain, .dh_in = w_.dh, .dh = w_.dh, .dh_half = rounded};
    SILT_CUDA(rms_norm_backward(g, rows_, d, shape_.norm_epsilon, stream_));
    return Status::ok();
  };
  SILT_TRY(run(backward_to(tape.dh, block.down, rows_, d, m, w_.dact, true)));
  SILT_CUDA(fast_down_backward(lane_args(), tape.dh, w_.fast_dact, i, shape_, lanes_, stream_));
  SILT_CUDA(swiglu_backward(tape.pre, w_.dact, w_.fast_dact, rows_, m, f, w_.dpre, stream_));
  SILT_TRY(run(backward_to(w_.dpre, block.gate_up, rows_, 2 * (m + f), d, w_.dx, false)));
  SILT_TRY(norm_backward(tape.h_mid, nullptr, w_.x));
  SILT_TRY(run(backward_to(w_.x, block.output, rows_, d, shape_.attention_width(), w_.dout, true)));
  const auto ring = static_cast<std::size_t>(layer);
  const AttentionGradient gradient = {
      .forward = {.lanes = lane_args(), .rotary = net_.rotary, .qkv = tape.qkv, .out = tape.attended, .lse = tape.lse,
                  .heads = shape_.heads, .window_blocks = shape_.window_blocks, .frozen = false,
                  .ring_offset = 2 * ring * shape_.ring_size(), .ring_size = shape_.ring_size()},
      .dout = w_.dout,
      .dqkv = w_.dqkv};
  SILT_CUDA(attention_backward(gradient, lanes_, stream_));
  SILT_TRY(run(backward_to(w_.dqkv, block.qkv, rows_, shape_.qkv_width(), d, w_.dx, false)));
  return norm_backward(below.h_out, block.attention_gain, below.dh);
}

Status Step::learn() const {
  FastGradients g = {};
  for (int i = 0; i < shape_.fast_layers; ++i) {
    g.act[i] = w_.tapes[static_cast<std::size_t>(i)].fast_act;
    g.dh[i] = w_.tapes[static_cast<std::size_t>(i)].dh;
  }
  g.initial = net_.initial;
  g.steps = net_.steps;
  g.decays = net_.decays;
  g.nll = reinterpret_cast<const float*>(w_.output + out_.nll);
  g.parts = w_.norm_parts;
  g.results = reinterpret_cast<LaneResult*>(w_.output + out_.results);
  SILT_CUDA(gradient_norms(g, shape_, lanes_, stream_));
  SILT_CUDA(fast_update(lane_args(), g, shape_, lanes_, stream_));
  return Status::ok();
}

Status Step::frozen_pass() const {
  for (int i = 1; i < shape_.fast_layers; ++i) SILT_TRY(frozen_block(i));
  return head(w_.frozen_h, reinterpret_cast<float*>(w_.output + out_.frozen_nll), /*frozen=*/true, /*gradient=*/false);
}

Status Step::frozen_block(int i) const {
  const int layer = shape_.prefix_layers() + i, d = shape_.width, m = shape_.mlp_width, f = shape_.fast_width;
  const DeviceBlock& block = net_.blocks[static_cast<std::size_t>(layer)];
  Workspace::Tape scratch;
  scratch.qkv = w_.qkv;
  scratch.attended = w_.attended;
  scratch.h_mid = w_.frozen_h;
  SILT_TRY(attend(layer, w_.frozen_h, scratch, /*keeps_lse=*/false, /*frozen=*/true));
  SILT_CUDA(rms_norm(w_.frozen_h, nullptr, rows_, d, shape_.norm_epsilon, w_.x, {}, stream_));
  SILT_TRY(run(forward(w_.x, block.gate_up, rows_, d, 2 * (m + f), w_.pre)));
  SILT_CUDA(swiglu(w_.pre, rows_, m, f, w_.act, w_.fast_act, stream_));
  SILT_TRY(run(forward_add(w_.act, block.down, rows_, m, d, w_.frozen_h, w_.frozen_h)));
  return run(
      forward_add(w_.fast_act, net_.initial_down[static_cast<std::size_t>(i)], rows_, f, d, w_.frozen_h, w_.frozen_h));
}

}  // namespace silt::model::cuda
