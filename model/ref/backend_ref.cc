#include "model/ref/backend_ref.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "model/ref/attention.h"
#include "model/ref/ops.h"
#include "model/ref/ttt.h"

namespace silt::model {
namespace {

template <class T>
class RefBuffer final : public Buffer {
 public:
  RefBuffer(int rows, int cols, Role role)
      : Buffer(rows, cols, role, sizeof(T)), values_(static_cast<std::size_t>(rows) * cols) {}
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  T* row(int i) { return data() + static_cast<std::size_t>(i) * cols(); }
  const T* row(int i) const { return data() + static_cast<std::size_t>(i) * cols(); }
  std::size_t size() const { return static_cast<std::size_t>(rows()) * cols(); }

 private:
  std::vector<T> values_;
};

template <class T>
struct RefMatrix final : Matrix {
  int in = 0;
  int out = 0;
  std::vector<T> values;     // [in, out]
  std::vector<T> transpose;  // [out, in], when a backward pass needs it
};

template <class T>
struct RefFastPack final : FastPack {
  std::vector<T> gate, up, down;                                // [d, f], [d, f], [f, d]
  std::vector<T> gate_transpose, up_transpose, down_transpose;  // [f, d], [f, d], [d, f]
};

template <class T>
struct RefKvCache final : KvCache {
  ref::WindowCache<T> window;
};

template <class T>
struct RefTape final : AttentionTape {
  ref::ProbabilityTape<T> tape;
};

template <class T>
RefBuffer<T>& cast(Buffer& buffer) {
  return static_cast<RefBuffer<T>&>(buffer);
}
template <class T>
const RefBuffer<T>& cast(const Buffer& buffer) {
  return static_cast<const RefBuffer<T>&>(buffer);
}
template <class T>
const RefMatrix<T>& cast(const Matrix& matrix) {
  return static_cast<const RefMatrix<T>&>(matrix);
}
template <class T>
const RefFastPack<T>& cast(const FastPack& pack) {
  return static_cast<const RefFastPack<T>&>(pack);
}

template <class T>
struct RefTttCache final : TttCache {
  ref::InnerModels<T> models;
};

template <class T>
class RefTtt final : public TttMixer {
 public:
  explicit RefTtt(const ModelConfig& config) : ttt_(config) {}

  TttCachePtr allocate_cache() override {
    auto cache = std::make_unique<RefTttCache<T>>();
    cache->models = ttt_.allocate();
    return cache;
  }
  void start(const InnerModel& state, TttCache& cache) override {
    ref::InnerModels<T>& models = static_cast<RefTttCache<T>&>(cache).models;
    models.open = 0;
    for (std::size_t i = 0; i < state.size(); ++i) {
      const RefBuffer<T>& weight = cast<T>(*state[i].weight);
      const RefBuffer<T>& bias = cast<T>(*state[i].bias);
      models.maps[i].weight.assign(weight.data(), weight.data() + weight.size());
      models.maps[i].bias.assign(bias.data(), bias.data() + bias.size());
    }
  }
  void mix(const Buffer& projected, const TttLayer& layer, bool learns, TttCache& cache,
           Buffer& out) override {
    ttt_.mix(cast<T>(projected).data(), projected.rows(), layer, learns,
             static_cast<RefTttCache<T>&>(cache).models, cast<T>(out).data());
  }
  double squared_change(const TttCache& cache, const InnerModel& since) override {
    const ref::InnerModels<T>& models = static_cast<const RefTttCache<T>&>(cache).models;
    double sum = 0;
    const auto add = [&](const std::vector<T>& now, const RefBuffer<T>& then) {
      for (std::size_t i = 0; i < now.size(); ++i) {
        const double change = ref::real_part(now[i] - then.data()[i]);
        sum += change * change;
      }
    };
    for (std::size_t i = 0; i < since.size(); ++i) {
      add(models.maps[i].weight, cast<T>(*since[i].weight));
      add(models.maps[i].bias, cast<T>(*since[i].bias));
    }
    return sum;
  }
  void store(const TttCache& cache, const InnerModel& to) override {
    const ref::InnerModels<T>& models = static_cast<const RefTttCache<T>&>(cache).models;
    for (std::size_t i = 0; i < to.size(); ++i) {
      std::copy(models.maps[i].weight.begin(), models.maps[i].weight.end(), cast<T>(*to[i].weight).data());
      std::copy(models.maps[i].bias.begin(), models.maps[i].bias.end(), cast<T>(*to[i].bias).data());
    }
  }

 private:
  ref::Ttt<T> ttt_;
};

template <class T>
class Implementation final : public RefBackend<T> {
 public:
  explicit Implementation(const ModelConfig& config) : c_(config), attention_(config), ttt_(config) {}

  std::string_view name() const override {
    if constexpr (std::is_same_v<T, float>) return "ref-f32";
    if constexpr (std::is_same_v<T, double>) return "ref-f64";
    return "ref-complex";
  }
  T last_loss() const override { return last_loss_; }
  TttMixer& ttt() override { return ttt_; }

  // --- memory ---
  BufferPtr allocate(int rows, int cols, Role role) override {
    return std::make_unique<RefBuffer<T>>(rows, cols, role);
  }
  void upload(Buffer& to, std::span<const float> values) override {
    std::transform(values.begin(), values.end(), cast<T>(to).data(), [](float value) { return T(value); });
  }
  void download(const Buffer& from, std::span<float> values) const override {
    const RefBuffer<T>& source = cast<T>(from);
    std::transform(source.data(), source.data() + source.size(), values.begin(),
                   [](const T& value) { return static_cast<float>(ref::real_part(value)); });
  }
  std::span<std::byte> raw(Buffer& buffer) override {
    return std::as_writable_bytes(std::span(cast<T>(buffer).data(), cast<T>(buffer).size()));
  }
  std::span<const std::byte> raw(const Buffer& buffer) const override {
    return std::as_bytes(std::span(cast<T>(buffer).data(), cast<T>(buffer).size()));
  }
  void set_zero(Buffer& buffer) override {
    std::fill_n(cast<T>(buffer).data(), cast<T>(buffer).size(), T(0));
  }
  void copy_rows(const Buffer& from, int from_row, int rows, Buffer& to, int to_row) override {
    std::memmove(static_cast<void*>(cast<T>(to).row(to_row)), cast<T>(from).row(from_row),
                 static_cast<std::size_t>(rows) * from.cols() * sizeof(T));
  }

  MatrixPtr pack(std::span<const MatrixSource* const> parts, MatrixUse use) override {
    auto matrix = std::make_unique<RefMatrix<T>>();
    matrix->in = parts.front()->in();
    for (const MatrixSource* part : parts) matrix->out += part->out();
    matrix->values.resize(static_cast<std::size_t>(matrix->in) * matrix->out);
    std::vector<float> row(static_cast<std::size_t>(matrix->out));
    for (int i = 0; i < matrix->in; ++i) {
      float* to = row.data();
      for (const MatrixSource* part : parts) {
        part->read_row(i, to);
        to += part->out();
      }
      std::copy(row.begin(), row.end(),
                matrix->values.begin() + static_cast<std::ptrdiff_t>(i) * matrix->out);
    }
    if (use == MatrixUse::kForwardAndBackward) {
      matrix->transpose = ref::transposed(matrix->values.data(), matrix->in, matrix->out);
    }
    return matrix;
  }
  MatrixPtr pack_embedding(const MatrixSource& embedding) override {
    const MatrixSource* parts[] = {&embedding};
    return pack(parts, MatrixUse::kForwardAndBackward);
  }
  FastPackPtr allocate_fast_pack() override { return std::make_unique<RefFastPack<T>>(); }
  void pack_fast(const FastTensors& weights, FastPack& pack) override {
    auto& to = static_cast<RefFastPack<T>&>(pack);
    const int d = c_.width;
    const int f = c_.fast_width;
    const auto copy = [](const Buffer* weight, int in, int out, std::vector<T>& plain,
                         std::vector<T>& turned) {
      if (weight == nullptr) return;  // frozen
      const RefBuffer<T>& values = cast<T>(*weight);
      plain.assign(values.data(), values.data() + values.size());
      turned = ref::transposed(values.data(), in, out);
    };
    copy(weights.gate, d, f, to.gate, to.gate_transpose);
    copy(weights.up, d, f, to.up, to.up_transpose);
    copy(weights.down, f, d, to.down, to.down_transpose);
  }
  KvCachePtr allocate_kv_cache() override {
    auto cache = std::make_unique<RefKvCache<T>>();
    const std::size_t size = static_cast<std::size_t>(attention_.positions()) * c_.kv_width();
    cache->window.keys.resize(size);
    cache->window.values.resize(size);
    return cache;
  }
  AttentionTapePtr allocate_attention_tape() override { return std::make_unique<RefTape<T>>(); }

  // --- forward ---
  void embed(std::span<const Token> tokens, const Matrix& embedding, Buffer& h) override {
    const T* rows = cast<T>(embedding).values.data();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::copy_n(rows + static_cast<std::size_t>(tokens[i]) * c_.width, c_.width,
                  cast<T>(h).row(static_cast<int>(i)));
    }
  }
  void rms_norm(const Buffer& h, std::span<const float> gain, Buffer& x) override {
    for (int i = 0; i < h.rows(); ++i) {
      ref::rms_norm_row(cast<T>(h).row(i), gain.data(), c_.width, c_.norm_epsilon, cast<T>(x).row(i));
    }
  }
  void linear(const Buffer& x, const Matrix& w, Buffer& y) override { product<false>(x, w, y); }
  void linear_add(const Buffer& x, const Matrix& w, Buffer& h) override { product<true>(x, w, h); }
  void swiglu(const Buffer& x, const Matrix& gate_up, Buffer* pre, Buffer& act) override {
    const RefMatrix<T>& w = cast<T>(gate_up);
    T* to = pre_or_scratch(pre, x.rows(), w.out);
    ref::multiply<false>(cast<T>(x).data(), x.rows(), w.in, w.values.data(), w.out, to);
    activate(to, x.rows(), w.out / 2, act);
  }
  void fast_swiglu(const Buffer& x, const FastPack& pack, Buffer* pre, Buffer& act) override {
    const RefFastPack<T>& w = cast<T>(pack);
    const int f = c_.fast_width;
    T* to = pre_or_scratch(pre, x.rows(), 2 * f);
    half_.resize(static_cast<std::size_t>(x.rows()) * f);
    for (int half = 0; half < 2; ++half) {
      const std::vector<T>& weights = half == 0 ? w.gate : w.up;
      ref::multiply<false>(cast<T>(x).data(), x.rows(), c_.width, weights.data(), f, half_.data());
      for (int i = 0; i < x.rows(); ++i) {
        std::copy_n(half_.data() + static_cast<std::size_t>(i) * f, f,
                    to + (2 * static_cast<std::size_t>(i) + half) * f);
      }
    }
    activate(to, x.rows(), f, act);
  }
  void fast_down_add(const Buffer& act, const FastPack& pack, Buffer& h) override {
    ref::multiply<true>(cast<T>(act).data(), act.rows(), c_.fast_width, cast<T>(pack).down.data(), c_.width,
                        cast<T>(h).data());
  }

  void attention(const Buffer& qkv, int first_row, KvCache& cache, int cached_valid, Buffer& out,
                 AttentionTape* tape) override {
    ref::ProbabilityTape<T>* saved = tape == nullptr ? nullptr : &static_cast<RefTape<T>*>(tape)->tape;
    attention_.forward(cast<T>(qkv).data(), qkv.rows(), first_row, static_cast<RefKvCache<T>&>(cache).window,
                       cached_valid, cast<T>(out).data(), saved);
  }
  void kv_advance(KvCache& cache) override {
    ref::WindowCache<T>& window = static_cast<RefKvCache<T>&>(cache).window;
    const auto shift = static_cast<std::ptrdiff_t>(c_.minibatch_tokens) * c_.kv_width();
    std::copy(window.keys.begin() + shift, window.keys.end(), window.keys.begin());
    std::copy(window.values.begin() + shift, window.values.end(), window.values.begin());
  }
  void kv_rebuild(const Buffer& window_x, const Matrix& qkv, KvCache& cache) override {
    const RefMatrix<T>& w = cast<T>(qkv);
    T* rows = pre_or_scratch(nullptr, window_x.rows(), w.out);
    ref::multiply<false>(cast<T>(window_x).data(), window_x.rows(), w.in, w.values.data(), w.out, rows);
    attention_.store(rows, window_x.rows(), c_.window_tokens - window_x.rows(),
                     static_cast<RefKvCache<T>&>(cache).window);
  }

  void cross_entropy(const Buffer& x, const Matrix& embedding, std::span<const Token> targets,
                     std::span<float> nll, Buffer* dx, const Candidates* candidates) override {
    const RefMatrix<T>& e = cast<T>(embedding);
    const int rows = x.rows();
    const int vocabulary = e.in;
    scratch_.resize(static_cast<std::size_t>(rows) * vocabulary);
    ref::multiply<false>(cast<T>(x).data(), rows, c_.width, e.transpose.data(), vocabulary, scratch_.data());
    last_loss_ = 0;
    for (int i = 0; i < rows; ++i) {
      if (candidates != nullptr) read_candidates(i, vocabulary, *candidates);
      const auto target = static_cast<std::size_t>(targets[static_cast<std::size_t>(i)]);
      T* row = scratch_.data() + static_cast<std::size_t>(i) * vocabulary;
      const T target_logit = row[target];
      T sum;
      const auto loss = T(ref::log_sum_exp_row(row, vocabulary, sum) - ref::Wide<T>(target_logit));
      nll[static_cast<std::size_t>(i)] = static_cast<float>(ref::real_part(loss));
      last_loss_ += loss / T(rows);
      const T scale = T(1) / (sum * T(rows));
      for (int v = 0; v < vocabulary; ++v) row[v] *= scale;
      row[target] -= T(1) / T(rows);
    }
    if (dx == nullptr) return;
    ref::multiply<false>(scratch_.data(), rows, vocabulary, e.values.data(), c_.width, cast<T>(*dx).data());
  }
  void logits(const Buffer& x, int row, const Matrix& embedding, std::span<float> logits) override {
    const RefMatrix<T>& e = cast<T>(embedding);
    scratch_.resize(static_cast<std::size_t>(e.in));
    ref::multiply<false>(cast<T>(x).row(row), 1, c_.width, e.transpose.data(), e.in, scratch_.data());
    std::transform(scratch_.begin(), scratch_.begin() + e.in, logits.begin(),
                   [](const T& value) { return static_cast<float>(ref::real_part(value)); });
  }

  // --- backward ---
  void rms_norm_backward(const Buffer& h, std::span<const float> gain, const Buffer& dx,
                         Buffer& dh) override {
    for (int i = 0; i < h.rows(); ++i) {
      ref::rms_norm_backward_row(cast<T>(h).row(i), gain.data(), cast<T>(dx).row(i), c_.width,
                                 c_.norm_epsilon, cast<T>(dh).row(i));
    }
  }
  void linear_backward(const Buffer& dy, const Matrix& w, Buffer& dx) override {
    const RefMatrix<T>& m = cast<T>(w);
    ref::multiply<false>(cast<T>(dy).data(), dy.rows(), m.out, m.transpose.data(), m.in, cast<T>(dx).data());
  }
  void swiglu_backward(const Buffer& dh, const Matrix& down, const Buffer& pre, Buffer& dpre) override {
    const RefMatrix<T>& m = cast<T>(down);
    backward_through_swiglu(dh, m.transpose, m.in, pre, dpre);
  }
  void fast_swiglu_backward(const Buffer& dh, const FastPack& w, const Buffer& pre, Buffer& dpre) override {
    backward_through_swiglu(dh, cast<T>(w).down_transpose, c_.fast_width, pre, dpre);
  }
  void fast_input_backward(const Buffer& dpre, const FastPack& w, Buffer& dx) override {
    const int rows = dpre.rows();
    split(dpre);
    ref::multiply<false>(half_.data(), rows, c_.fast_width, cast<T>(w).gate_transpose.data(), c_.width,
                         cast<T>(dx).data());
    ref::multiply<true>(other_half_.data(), rows, c_.fast_width, cast<T>(w).up_transpose.data(), c_.width,
                        cast<T>(dx).data());
  }
  void attention_backward(const Buffer& dout, const Buffer& qkv, const KvCache& cache,
                          const AttentionTape& tape, Buffer& dqkv) override {
    attention_.backward(cast<T>(dout).data(), cast<T>(qkv).data(), dout.rows(),
                        static_cast<const RefKvCache<T>&>(cache).window,
                        static_cast<const RefTape<T>&>(tape).tape, cast<T>(dqkv).data());
  }

  // --- learning ---
  void fast_gradient(const Buffer& x, const Buffer& act, const Buffer& dpre, const Buffer& dh,
                     const FastTensors& g) override {
    const int rows = dh.rows();
    ref::outer_product(cast<T>(act).data(), cast<T>(dh).data(), rows, c_.fast_width, c_.width,
                       cast<T>(*g.down).data());
    if (g.gate == nullptr) return;
    split(dpre);
    ref::outer_product(cast<T>(x).data(), half_.data(), rows, c_.width, c_.fast_width,
                       cast<T>(*g.gate).data());
    ref::outer_product(cast<T>(x).data(), other_half_.data(), rows, c_.width, c_.fast_width,
                       cast<T>(*g.up).data());
  }
  double sum_of_squares(const Buffer& values) override {
    const RefBuffer<T>& v = cast<T>(values);
    double sum = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      const double value = ref::real_part(v.data()[i]);
      sum += value * value;
    }
    return sum;
  }
  void fast_update(const FastTensors& from, const FastTensors& initial, const FastTensors& g,
                   const FastStep& step, float scale, const FastTensors& to) override {
    const auto update = [&](Buffer* FastTensors::*tensor, auto rate_of) {
      if (to.*tensor == nullptr) return;  // frozen
      for (int row = 0; row < (to.*tensor)->rows(); ++row) {
        const auto values = [&](const FastTensors& of) { return cast<T>(*(of.*tensor)).row(row); };
        const FastStep::Rate rate = rate_of(row);
        ref::update_row(values(from), values(initial), values(g), (to.*tensor)->cols(), rate.decay,
                        rate.step * scale, values(to));
      }
    };
    update(&FastTensors::gate, [&](int) { return step.gate; });
    update(&FastTensors::up, [&](int) { return step.up; });
    update(&FastTensors::down, [&](int row) { return step.down[static_cast<std::size_t>(row)]; });
  }

 private:
  // From the logits of row i in scratch_.
  void read_candidates(int i, int vocabulary, const Candidates& candidates) const {
    const T* logits = scratch_.data() + static_cast<std::size_t>(i) * vocabulary;
    const auto places = static_cast<std::size_t>(candidates.per_row);
    const std::span<const Token> tokens = candidates.tokens.subspan(i * places, places);
    double highest = ref::real_part(logits[0]);
    for (int v = 1; v < vocabulary; ++v) highest = std::max(highest, ref::real_part(logits[v]));
    double total = 0;
    double rest = 0;
    for (int v = 0; v < vocabulary; ++v) {
      const double share = std::exp(ref::real_part(logits[v]) - highest);
      total += share;
      if (std::find(tokens.begin(), tokens.end(), v) == tokens.end()) rest += share;
    }
    for (std::size_t k = 0; k < places && tokens[k] >= 0; ++k) {
      candidates.nats[i * places + k] =
          static_cast<float>(std::log(total) + highest - ref::real_part(logits[tokens[k]]));
    }
    candidates.rest_nats[static_cast<std::size_t>(i)] = static_cast<float>(std::log(total / rest));
  }
  template <bool kAdd>
  void product(const Buffer& x, const Matrix& w, Buffer& y) {
    const RefMatrix<T>& m = cast<T>(w);
    ref::multiply<kAdd>(cast<T>(x).data(), x.rows(), m.in, m.values.data(), m.out, cast<T>(y).data());
  }
  T* pre_or_scratch(Buffer* pre, int rows, int cols) {
    if (pre != nullptr) return cast<T>(*pre).data();
    scratch_.resize(static_cast<std::size_t>(rows) * cols);
    return scratch_.data();
  }
  void activate(const T* pre, int rows, int width, Buffer& act) {
    for (int i = 0; i < rows; ++i) {
      ref::swiglu_row(pre + 2 * static_cast<std::size_t>(i) * width, width, cast<T>(act).row(i));
    }
  }
  void backward_through_swiglu(const Buffer& dh, const std::vector<T>& down_transpose, int width,
                               const Buffer& pre, Buffer& dpre) {
    T* dact = pre_or_scratch(nullptr, dh.rows(), width);
    ref::multiply<false>(cast<T>(dh).data(), dh.rows(), c_.width, down_transpose.data(), width, dact);
    for (int i = 0; i < dh.rows(); ++i) {
      ref::swiglu_backward_row(cast<T>(pre).row(i), dact + static_cast<std::size_t>(i) * width, width,
                               cast<T>(dpre).row(i));
    }
  }
  // half_ = the gate columns, other_half_ = the up columns.
  void split(const Buffer& dpre) {
    const int f = c_.fast_width;
    half_.resize(static_cast<std::size_t>(dpre.rows()) * f);
    other_half_.resize(half_.size());
    for (int i = 0; i < dpre.rows(); ++i) {
      const T* row = cast<T>(dpre).row(i);
      std::copy_n(row, f, half_.data() + static_cast<std::size_t>(i) * f);
      std::copy_n(row + f, f, other_half_.data() + static_cast<std::size_t>(i) * f);
    }
  }

  ModelConfig c_;
  ref::Attention<T> attention_;
  RefTtt<T> ttt_;
  std::vector<T> scratch_, half_, other_half_;
  T last_loss_ = 0;
};

}  // namespace

template <class T>
std::unique_ptr<RefBackend<T>> make_ref_backend(const ModelConfig& config) {
  return std::make_unique<Implementation<T>>(config);
}

template std::unique_ptr<RefBackend<float>> make_ref_backend<float>(const ModelConfig&);
template std::unique_ptr<RefBackend<double>> make_ref_backend<double>(const ModelConfig&);
template std::unique_ptr<RefBackend<std::complex<double>>> make_ref_backend<std::complex<double>>(
    const ModelConfig&);

}  // namespace silt::model
