#include "model/forward.h"

namespace silt::model {

void BlockTape::set_rows(int rows) {
  for (const BufferPtr* buffer : {&h_in, &qkv, &h_mid, &pre, &fast_pre, &fast_act}) {
    if (*buffer != nullptr) (*buffer)->set_rows(rows);
  }
}

Forward::Forward(std::shared_ptr<const Net> net, Backend& backend) : net_(std::move(net)), backend_(backend) {
  const ModelConfig& c = net_->config;
  const auto operand = [&](int cols) { return backend.allocate(c.minibatch_tokens, cols, Role::kOperand); };
  x_ = operand(c.width);
  qkv_ = operand(c.projected_width());
  attended_ = operand(c.query_width());
  act_ = operand(c.mlp_width);
  fast_x_ = operand(c.width);
  fast_act_ = operand(c.fast_width);
}

void Forward::set_rows(int rows) {
  for (Buffer* buffer : {x_.get(), qkv_.get(), attended_.get(), act_.get(), fast_x_.get(), fast_act_.get()}) {
    buffer->set_rows(rows);
  }
}

void Forward::embed(std::span<const Token> inputs, Buffer& h) {
  set_rows(static_cast<int>(inputs.size()));
  h.set_rows(static_cast<int>(inputs.size()));
  backend_.embed(inputs, *net_->embedding, h);
}

void Forward::attend(int layer, Place place, KvCache& cache, Buffer& x, Buffer& h, BlockTape* tape) {
  const Block& block = net_->blocks[static_cast<std::size_t>(layer)];
  if (tape != nullptr && tape->h_in != nullptr) backend_.copy_rows(h, 0, h.rows(), *tape->h_in, 0);
  Buffer& qkv = tape != nullptr && tape->qkv != nullptr ? *tape->qkv : *qkv_;
  x.set_rows(h.rows());
  backend_.rms_norm(h, block.mixer_norm, x);
  backend_.linear(x, *block.qkv, qkv);
  backend_.attention(qkv, place.first_row, cache, place.cached_valid, *attended_,
                     tape == nullptr ? nullptr : tape->attention.get());
  backend_.linear_add(*attended_, *block.output, h);
}

template <class Mix>
void Forward::for_each_text(std::span<const int> ends, Mix mix) {
  if (one_qkv_ == nullptr) {
    one_qkv_ = backend_.allocate(qkv_->capacity(), qkv_->cols(), Role::kOperand);
    one_attended_ = backend_.allocate(attended_->capacity(), attended_->cols(), Role::kOperand);
  }
  int begin = 0;
  for (const int end : ends) {
    one_qkv_->set_rows(end - begin);
    one_attended_->set_rows(end - begin);
    backend_.copy_rows(*qkv_, begin, end - begin, *one_qkv_, 0);
    mix();
    backend_.copy_rows(*one_attended_, 0, end - begin, *attended_, begin);
    begin = end;
  }
}

void Forward::attend_apart(int layer, std::span<const int> ends, KvCache& cache, Buffer& x, Buffer& h) {
  const Block& block = net_->blocks[static_cast<std::size_t>(layer)];
  x.set_rows(h.rows());
  backend_.rms_norm(h, block.mixer_norm, x);
  backend_.linear(x, *block.qkv, *qkv_);
  for_each_text(ends, [&] { backend_.attention(*one_qkv_, 0, cache, 0, *one_attended_, nullptr); });
  backend_.linear_add(*attended_, *block.output, h);
}

void Forward::ttt(int layer, bool learns, TttCache& cache, Buffer& h) {
  const Block& block = net_->blocks[static_cast<std::size_t>(layer)];
  backend_.rms_norm(h, block.mixer_norm, *x_);
  backend_.linear(*x_, *block.qkv, *qkv_);
  backend_.ttt().mix(*qkv_, net_->ttt[static_cast<std::size_t>(layer)], learns, cache, *attended_);
  backend_.linear_add(*attended_, *block.output, h);
}

void Forward::ttt_apart(int layer, const InnerModel& state, std::span<const int> ends, TttCache& cache,
                        Buffer& h) {
  const Block& block = net_->blocks[static_cast<std::size_t>(layer)];
  const TttLayer& ttt = net_->ttt[static_cast<std::size_t>(layer)];
  backend_.rms_norm(h, block.mixer_norm, *x_);
  backend_.linear(*x_, *block.qkv, *qkv_);
  for_each_text(ends, [&] {
    backend_.ttt().start(state, cache);
    backend_.ttt().mix(*one_qkv_, ttt, /*learns=*/true, cache, *one_attended_);
  });
  backend_.linear_add(*attended_, *block.output, h);
}

void Forward::mlp(int layer, Buffer& h, BlockTape* tape) {
  const Block& block = net_->blocks[static_cast<std::size_t>(layer)];
  backend_.rms_norm(h, block.mlp_norm, *x_);
  backend_.swiglu(*x_, *block.gate_up, tape == nullptr ? nullptr : tape->pre.get(), *act_);
  backend_.linear_add(*act_, *block.down, h);
}

void Forward::fast_input(int fast_layer, const Buffer& h, Buffer& x) {
  x.set_rows(h.rows());
  backend_.rms_norm(h, net_->fast[static_cast<std::size_t>(fast_layer)].norm, x);
}

const Buffer& Forward::fast_mlp(int fast_layer, const FastPack& weights, const Buffer& x, Buffer& h,
                                BlockTape* tape) {
  Buffer& act = tape != nullptr ? *tape->fast_act : *fast_act_;
  Buffer* pre = tape == nullptr ? nullptr : tape->fast_pre.get();
  if (const MatrixPtr& frozen = net_->fast[static_cast<std::size_t>(fast_layer)].gate_up; frozen != nullptr) {
    backend_.swiglu(x, *frozen, pre, act);
  } else {
    backend_.fast_swiglu(x, weights, pre, act);
  }
  backend_.fast_down_add(act, weights, h);
  return act;
}

void Forward::adapted_mlps(int fast_layer, const FastPack& weights, Buffer& h) {
  fast_input(fast_layer, h, *fast_x_);
  mlp(net_->config.prefix_layers() + fast_layer, h, nullptr);
  fast_mlp(fast_layer, weights, *fast_x_, h, nullptr);
}

void Forward::head(const Buffer& h, std::span<const Token> targets, std::span<float> nll, Buffer* dx,
                   const Candidates* candidates) {
  x_->set_rows(h.rows());
  backend_.rms_norm(h, net_->final_norm, *x_);
  backend_.cross_entropy(*x_, *net_->embedding, targets, nll, dx, candidates);
}

void Forward::logits(const Buffer& h, int row, std::span<float> logits) {
  x_->set_rows(h.rows());
  backend_.rms_norm(h, net_->final_norm, *x_);
  backend_.logits(*x_, row, *net_->embedding, logits);
}

}  // namespace silt::model
