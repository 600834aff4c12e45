// Every operation of every CPU path of this machine, and of the 16-lane kernels in plain C++, against the
// double-precision reference: shapes with part-filled blocks, bits for any number of rows and threads,
// untouched surroundings.
//
// Inputs of the matrix products are bfloat16 on both sides, so what differs is the rounding that the
// CPU backend adds: u = 2^-8 for each value stored as bfloat16, single-precision sums elsewhere.
// Errors are divided by the largest value of the reference's result.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/cpu/backend_cpu.h"
#include "model/cpu/cpu_backend.h"
#include "model/ref/backend_ref.h"
#include "tests/model/kernels_wide.h"

namespace silt::model {
namespace {

using Values = std::vector<float>;
using Results = std::map<std::string, Values>;

constexpr double kU = 1.0 / 256;
constexpr double kSum = 2e-5;  // single-precision sums of some hundred products

float rounded(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000U;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}

Values random_values(std::size_t count, unsigned seed, float scale = 1, bool operand = true) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  Values values(count);
  for (float& v : values) v = operand ? rounded(normal(random)) : normal(random);
  return values;
}

class Source final : public MatrixSource {
 public:
  Source(int rows, int cols, unsigned seed, float scale)
      : in_(rows), out_(cols), values_(random_values(static_cast<std::size_t>(rows) * cols, seed, scale)) {}
  int in() const override { return in_; }
  int out() const override { return out_; }
  void read_row(int row, float* values) const override {
    std::copy_n(values_.begin() + static_cast<long>(row) * out_, out_, values);
  }

 private:
  int in_, out_;
  Values values_;
};

ModelConfig shape(int width, int heads, int kv_heads, int head_width, int mlp, int fast, int vocabulary,
                  int b, int k) {
  return {.layers = 2,
          .fast_layers = 1,
          .width = width,
          .heads = heads,
          .kv_heads = kv_heads,
          .head_width = head_width,
          .mlp_width = mlp,
          .fast_width = fast,
          .vocabulary = vocabulary,
          .minibatch_tokens = b,
          .window_tokens = k,
          .rope_theta = 10000,
          .norm_epsilon = 1e-5F,
          .clip_norm = 1};
}

std::vector<ModelConfig> shapes() {
  ModelConfig down = shape(96, 3, 3, 32, 64, 160, 400, 48, 48);
  down.fast_learns = FastLearns::kDown;
  return {shape(64, 4, 2, 16, 96, 32, 333, 16, 48), shape(96, 3, 3, 32, 64, 64, 1000, 64, 128),
          shape(128, 4, 1, 64, 160, 96, 2100, 96, 96), down};
}

// Runs single operations on fixed random inputs and keeps what they produce.
class Operations {
 public:
  Operations(Backend& backend, const ModelConfig& config, int rows)
      : backend_(backend), c_(config), rows_(rows), qkv_width_(c_.query_width() + 2 * c_.kv_width()) {}

  Results all() {
    norms();
    linears();
    static_mlp();
    fast_mlp();
    attention();
    head();
    return results_;
  }

 private:
  static constexpr float kSentinel = 12345;

  BufferPtr filled(int cols, Role role, unsigned seed, float scale = 1) {
    return buffer(cols, role,
                  random_values(static_cast<std::size_t>(c_.minibatch_tokens) * cols, seed, scale,
                                role == Role::kOperand));
  }
  BufferPtr sentinel(int cols, Role role) {
    return buffer(cols, role,
                  Values(static_cast<std::size_t>(c_.minibatch_tokens) * cols, rounded(kSentinel)));
  }
  BufferPtr buffer(int cols, Role role, const Values& values) {
    BufferPtr b = backend_.allocate(c_.minibatch_tokens, cols, role);
    backend_.upload(*b, values);
    b->set_rows(rows_);
    return b;
  }
  BufferPtr master(int rows, int cols, unsigned seed, float scale) {
    BufferPtr b = backend_.allocate(rows, cols, Role::kMaster);
    backend_.upload(*b, random_values(static_cast<std::size_t>(rows) * cols, seed, scale));
    return b;
  }
  // Keeps a result and checks that the rows behind it were left alone.
  void keep(const std::string& name, Buffer& b) {
    b.set_rows(b.capacity());
    Values all(static_cast<std::size_t>(b.rows()) * b.cols());
    backend_.download(b, all);
    const std::size_t used =
        b.role() == Role::kMaster ? all.size() : static_cast<std::size_t>(rows_) * b.cols();
    for (std::size_t i = used; i < all.size(); ++i) {
      if (all[i] != rounded(kSentinel)) {
        ADD_FAILURE() << name << " wrote behind row " << rows_ << ", at element " << i;
        break;
      }
    }
    all.resize(used);
    results_[name] = all;
    if (b.role() != Role::kMaster) b.set_rows(rows_);
  }
  MatrixPtr matrix(std::initializer_list<Source> parts) {
    std::vector<const MatrixSource*> pointers;
    for (const Source& part : parts) pointers.push_back(&part);
    return backend_.pack(pointers, MatrixUse::kForwardAndBackward);
  }

  void norms() {
    const Values gain = random_values(c_.width, 1, 1, false);
    const BufferPtr h = filled(c_.width, Role::kResidual, 2, 3);
    const BufferPtr dx = filled(c_.width, Role::kResidual, 3);
    const BufferPtr x = sentinel(c_.width, Role::kOperand);
    backend_.rms_norm(*h, gain, *x);
    keep("rms_norm", *x);
    Values base(static_cast<std::size_t>(c_.minibatch_tokens) * c_.width, rounded(kSentinel));
    std::fill_n(base.begin(), static_cast<long>(rows_) * c_.width, 0.5F);
    const BufferPtr dh = buffer(c_.width, Role::kResidual, base);
    backend_.rms_norm_backward(*h, gain, *dx, *dh);
    keep("rms_norm_backward", *dh);
  }

  void linears() {
    const MatrixPtr w =
        matrix({Source(c_.width, c_.query_width(), 10, .1F), Source(c_.width, c_.kv_width(), 11, .1F),
                Source(c_.width, c_.kv_width(), 12, .1F)});
    const MatrixPtr o = matrix({Source(c_.query_width(), c_.width, 13, .1F)});
    const BufferPtr x = filled(c_.width, Role::kOperand, 14);
    const BufferPtr y = sentinel(qkv_width_, Role::kOperand);
    backend_.linear(*x, *w, *y);
    keep("linear", *y);
    const BufferPtr attended = filled(c_.query_width(), Role::kOperand, 15);
    Values base(static_cast<std::size_t>(c_.minibatch_tokens) * c_.width, rounded(kSentinel));
    std::fill_n(base.begin(), static_cast<long>(rows_) * c_.width, 1.0F);
    const BufferPtr h = buffer(c_.width, Role::kResidual, base);
    backend_.linear_add(*attended, *o, *h);
    keep("linear_add", *h);
    const BufferPtr dqkv = filled(qkv_width_, Role::kOperand, 16);
    const BufferPtr dx = sentinel(c_.width, Role::kResidual);
    backend_.linear_backward(*dqkv, *w, *dx);
    keep("linear_backward", *dx);
    const BufferPtr dh = filled(c_.width, Role::kResidual, 17);
    const BufferPtr dout = sentinel(c_.query_width(), Role::kOperand);
    backend_.linear_backward(*dh, *o, *dout);
    keep("linear_backward_operand", *dout);
  }

  void static_mlp() {
    const MatrixPtr gate_up =
        matrix({Source(c_.width, c_.mlp_width, 20, .2F), Source(c_.width, c_.mlp_width, 21, .2F)});
    const MatrixPtr down = matrix({Source(c_.mlp_width, c_.width, 22, .1F)});
    const BufferPtr x = filled(c_.width, Role::kOperand, 23);
    const BufferPtr pre = sentinel(2 * c_.mlp_width, Role::kOperand);
    const BufferPtr act = sentinel(c_.mlp_width, Role::kOperand);
    backend_.swiglu(*x, *gate_up, pre.get(), *act);
    keep("swiglu", *act);
    const BufferPtr bare = sentinel(c_.mlp_width, Role::kOperand);
    backend_.swiglu(*x, *gate_up, nullptr, *bare);
    keep("swiglu", *bare);
    const BufferPtr dh = filled(c_.width, Role::kResidual, 24);
    const BufferPtr dpre = sentinel(2 * c_.mlp_width, Role::kOperand);
    backend_.swiglu_backward(*dh, *down, *pre, *dpre);
    const BufferPtr dx = sentinel(c_.width, Role::kResidual);
    backend_.linear_backward(*dpre, *gate_up, *dx);
    keep("swiglu_backward_to_input", *dx);
  }

  struct Fast {
    BufferPtr gate, up, down;
    FastTensors tensors() const { return {gate.get(), up.get(), down.get()}; }
  };
  Fast fast(unsigned seed, float scale) {
    Fast made{nullptr, nullptr, master(c_.fast_width, c_.width, seed + 2, scale)};
    if (!c_.learns_gate_up()) return made;
    made.gate = master(c_.width, c_.fast_width, seed, scale);
    made.up = master(c_.width, c_.fast_width, seed + 1, scale);
    return made;
  }
  void keep(const std::string& name, const Fast& made) {
    if (c_.learns_gate_up()) {
      keep(name + "_gate", *made.gate);
      keep(name + "_up", *made.up);
    }
    keep(name + "_down", *made.down);
  }

  void fast_mlp() {
    const Fast w = fast(30, .2F);
    const FastPackPtr pack = backend_.allocate_fast_pack();
    backend_.pack_fast(w.tensors(), *pack);
    const MatrixPtr frozen =
        c_.learns_gate_up()
            ? nullptr
            : matrix({Source(c_.width, c_.fast_width, 30, .2F), Source(c_.width, c_.fast_width, 31, .2F)});
    const BufferPtr x = filled(c_.width, Role::kOperand, 34);
    const BufferPtr pre = sentinel(2 * c_.fast_width, Role::kOperand);
    const BufferPtr act = sentinel(c_.fast_width, Role::kOperand);
    frozen == nullptr ? backend_.fast_swiglu(*x, *pack, pre.get(), *act)
                      : backend_.swiglu(*x, *frozen, pre.get(), *act);
    keep("fast_swiglu", *act);
    Values base(static_cast<std::size_t>(c_.minibatch_tokens) * c_.width, rounded(kSentinel));
    std::fill_n(base.begin(), static_cast<long>(rows_) * c_.width, 1.0F);
    const BufferPtr h = buffer(c_.width, Role::kResidual, base);
    const BufferPtr given = filled(c_.fast_width, Role::kOperand, 35);
    backend_.fast_down_add(*given, *pack, *h);
    keep("fast_down_add", *h);
    const BufferPtr dh = filled(c_.width, Role::kResidual, 36);
    const BufferPtr dpre = sentinel(2 * c_.fast_width, Role::kOperand);
    backend_.fast_swiglu_backward(*dh, *pack, *pre, *dpre);
    const BufferPtr dx = sentinel(c_.width, Role::kResidual);
    frozen == nullptr ? backend_.fast_input_backward(*dpre, *pack, *dx)
                      : backend_.linear_backward(*dpre, *frozen, *dx);
    keep("fast_input_backward", *dx);

    const Fast g = fast(40, 1);
    backend_.fast_gradient(*x, *given, *dpre, *dh, g.tensors());
    keep("gradient", g);

    const Fast w0 = fast(50, .2F);
    const Fast slope = fast(60, 1);
    const Fast to = fast(70, 1);
    FastStep step{.gate = {.9F, .1F}, .up = {.8F, .2F}, .down = {}};
    for (int unit = 0; unit < c_.fast_width; ++unit) {
      const float part = static_cast<float>(unit) / static_cast<float>(c_.fast_width);
      step.down.push_back({.decay = 1 - part, .step = .3F + part});
    }
    backend_.fast_update(w.tensors(), w0.tensors(), slope.tensors(), step, .5F, to.tensors());
    keep("update", to);
    results_["sum_of_squares"] = {static_cast<float>(backend_.sum_of_squares(*slope.down))};
  }

  // A stream of full mini-batches, then one with `rows` rows, its output and its gradients.
  void attention() {
    const KvCachePtr cache = backend_.allocate_kv_cache();
    const AttentionTapePtr tape = backend_.allocate_attention_tape();
    const int batches = c_.window_tokens / c_.minibatch_tokens + 2;
    for (int batch = 0; batch <= batches; ++batch) {
      const bool last = batch == batches;
      const BufferPtr qkv = filled(qkv_width_, Role::kOperand, 100 + batch);
      const BufferPtr out = sentinel(c_.query_width(), Role::kOperand);
      const int valid = std::min(c_.window_tokens, batch * c_.minibatch_tokens);
      if (!last) qkv->set_rows(c_.minibatch_tokens), out->set_rows(c_.minibatch_tokens);
      backend_.attention(*qkv, 0, *cache, valid, *out, last || batch == 1 ? tape.get() : nullptr);
      if (batch == 1) {  // a window that is not full
        const BufferPtr dqkv = sentinel(qkv_width_, Role::kOperand);
        dqkv->set_rows(c_.minibatch_tokens);
        const BufferPtr dout = filled(c_.query_width(), Role::kOperand, 200);
        dout->set_rows(c_.minibatch_tokens);
        backend_.attention_backward(*dout, *qkv, *cache, *tape, *dqkv);
        Values all(static_cast<std::size_t>(c_.minibatch_tokens) * qkv_width_);
        backend_.download(*dqkv, all);
        results_["attention_backward_early"] = all;
      }
      if (!last) {
        Values all(static_cast<std::size_t>(c_.minibatch_tokens) * c_.query_width());
        backend_.download(*out, all);
        results_["attention_" + std::to_string(batch)] = all;
        backend_.kv_advance(*cache);
        continue;
      }
      keep("attention", *out);
      const BufferPtr dout = filled(c_.query_width(), Role::kOperand, 201);
      const BufferPtr dqkv = sentinel(qkv_width_, Role::kOperand);
      backend_.attention_backward(*dout, *qkv, *cache, *tape, *dqkv);
      keep("attention_backward", *dqkv);
    }
  }

  void head() {
    const MatrixPtr e = backend_.pack_embedding(Source(c_.vocabulary, c_.width, 80, .3F));
    std::vector<Token> tokens(rows_);
    for (int i = 0; i < rows_; ++i) tokens[i] = (i * 37 + c_.vocabulary - 1) % c_.vocabulary;
    const BufferPtr h = sentinel(c_.width, Role::kResidual);
    backend_.embed(tokens, *e, *h);
    keep("embed", *h);
    const BufferPtr x = filled(c_.width, Role::kOperand, 81);
    const BufferPtr dx = sentinel(c_.width, Role::kResidual);
    Values nll(rows_);
    backend_.cross_entropy(*x, *e, tokens, nll, dx.get(), nullptr);
    results_["nll"] = nll;
    keep("cross_entropy_gradient", *dx);
    Values again(rows_);
    backend_.cross_entropy(*x, *e, tokens, again, nullptr, nullptr);
    EXPECT_EQ(std::memcmp(nll.data(), again.data(), sizeof(float) * nll.size()), 0)
        << "with and without gradient";
    Values logits(c_.vocabulary);
    backend_.logits(*x, rows_ - 1, *e, logits);
    results_["logits"] = logits;
  }

  Backend& backend_;
  const ModelConfig& c_;
  const int rows_;
  const int qkv_width_;
  Results results_;
};

double error_of(const Values& value, const Values& reference) {
  double worst = 0;
  double largest = 1e-30;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(value[i]) - reference[i]);
    worst = std::isfinite(difference) ? std::max(worst, difference) : std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::fabs(static_cast<double>(reference[i])));
  }
  return worst / largest;
}

// What rounding allows, by operation.
double bound_of(const std::string& name) {
  if (name == "embed") return 0;
  if (name == "linear_add" || name == "linear_backward" || name == "fast_down_add" || name == "logits" ||
      name == "nll" || name.starts_with("update") || name == "sum_of_squares" ||
      name == "rms_norm_backward") {
    return kSum;
  }
  if (name == "rms_norm" || name == "linear") return kU + kSum;  // the result is rounded
  if (name == "swiglu" || name == "fast_swiglu") return kU + kSum;
  if (name == "linear_backward_operand") return 2 * kU;  // dy and the result are rounded
  if (name == "gradient_down") return kU;                // dh is rounded
  // pre, dh, and dpre are rounded before the last product sums them.
  if (name == "swiglu_backward_to_input" || name == "fast_input_backward") return 3 * kU;
  if (name == "gradient_gate" || name == "gradient_up") return 3 * kU;
  // Probabilities relative to their sum; the target's row is exact.
  if (name == "cross_entropy_gradient") return kU / 4;
  // q and k after turning, p, and the result: scores of size s err by about s u.
  if (name.starts_with("attention_backward")) return 4 * kU;
  if (name.starts_with("attention")) return 4 * kU;
  return -1;
}

constexpr const char* kWide = "cpu-wide";

std::vector<std::string> paths() {
  std::vector<std::string> names = cpu_backends();
  names.emplace_back(kWide);
  return names;
}

std::unique_ptr<Backend> open(const std::string& name, const ModelConfig& config, int threads) {
  if (name == kWide) return std::make_unique<cpu::CpuBackend>(config, cpu::kernels_wide(), threads);
  auto backend = open_cpu_backend({.name = name, .threads = threads}, config);
  EXPECT_TRUE(backend.is_ok()) << backend.status().to_string();
  return std::move(backend).value();
}

class CpuOps : public testing::TestWithParam<std::string> {};

TEST_P(CpuOps, AgreeWithTheReference) {
  std::map<std::string, double> worst;
  for (const ModelConfig& config : shapes()) {
    const auto reference = make_ref_backend<double>(config);
    const auto backend = open(GetParam(), config, 1);
    const int b = config.minibatch_tokens;
    for (const int rows : {1, 5, b / 2 + 1, b - 1, b}) {
      const Results expected = Operations(*reference, config, rows).all();
      for (const auto& [name, values] : Operations(*backend, config, rows).all()) {
        const double error = error_of(values, expected.at(name));
        EXPECT_LE(error, bound_of(name)) << name << ", width " << config.width << ", rows " << rows;
        worst[name] = std::max(worst[name], error);
      }
    }
  }
  for (const auto& [name, error] : worst) RecordProperty(name, std::to_string(error / kU) + " u");
}

TEST_P(CpuOps, BitsDoNotDependOnThreads) {
  for (const ModelConfig& config : shapes()) {
    const Results one = Operations(*open(GetParam(), config, 1), config, config.minibatch_tokens - 1).all();
    for (const int threads : {2, 3, 4}) {
      const Results many =
          Operations(*open(GetParam(), config, threads), config, config.minibatch_tokens - 1).all();
      for (const auto& [name, values] : one) {
        EXPECT_EQ(std::memcmp(values.data(), many.at(name).data(), sizeof(float) * values.size()), 0)
            << name << ", " << threads << " threads";
      }
    }
  }
}

TEST_P(CpuOps, RowsDoNotDependOnTheirNumber) {
  for (const ModelConfig& config : shapes()) {
    const auto backend = open(GetParam(), config, 2);
    const int b = config.minibatch_tokens;
    const Results full = Operations(*backend, config, b).all();
    for (const int rows : {1, 3, b / 2 + 1}) {
      for (const auto& [name, values] : Operations(*backend, config, rows).all()) {
        // Gradients of a mean and sums over rows do depend on it.
        if (name == "cross_entropy_gradient" || name == "logits" || name == "attention_backward" ||
            name.starts_with("gradient")) {
          continue;
        }
        EXPECT_EQ(std::memcmp(values.data(), full.at(name).data(), sizeof(float) * values.size()), 0)
            << name << ", rows " << rows;
      }
    }
  }
}

// Rows read one by one, in pieces, or at once see the same window.
TEST_P(CpuOps, AttentionInPiecesIsTheSame) {
  for (const ModelConfig& config : shapes()) {
    const auto backend = open(GetParam(), config, 2);
    const int b = config.minibatch_tokens;
    const int width = config.query_width() + 2 * config.kv_width();
    const auto run = [&](int piece) {
      const KvCachePtr cache = backend->allocate_kv_cache();
      Values all;
      for (int batch = 0; batch < 4; ++batch) {
        const Values values = random_values(static_cast<std::size_t>(b) * width, 300 + batch);
        for (int row = 0; row < b; row += piece) {
          const int rows = std::min(piece, b - row);
          const BufferPtr qkv = backend->allocate(rows, width, Role::kOperand);
          const BufferPtr out = backend->allocate(rows, config.query_width(), Role::kOperand);
          backend->upload(*qkv, std::span(values).subspan(static_cast<std::size_t>(row) * width,
                                                          static_cast<std::size_t>(rows) * width));
          backend->attention(*qkv, row, *cache, std::min(batch * b, config.window_tokens), *out, nullptr);
          Values result(static_cast<std::size_t>(rows) * config.query_width());
          backend->download(*out, result);
          all.insert(all.end(), result.begin(), result.end());
        }
        backend->kv_advance(*cache);
      }
      return all;
    };
    const Values whole = run(b);
    for (const int piece : {1, 7, 32}) EXPECT_EQ(run(piece), whole) << "pieces of " << piece;
  }
}

// A cache rebuilt from inputs continues with the same bits; rows that do not exist may be NaN.
TEST_P(CpuOps, RebuiltCacheContinuesWithTheSameBits) {
  for (const ModelConfig& config : shapes()) {
    const auto backend = open(GetParam(), config, 2);
    const int b = config.minibatch_tokens;
    const int k = config.window_tokens;
    const int width = config.query_width() + 2 * config.kv_width();
    const Source q(config.width, config.query_width(), 1, .1F);
    const Source kv(config.width, config.kv_width(), 2, .1F);
    const MatrixSource* parts[] = {&q, &kv, &kv};
    const MatrixPtr w = backend->pack(parts, MatrixUse::kForward);
    const BufferPtr window = backend->allocate(k, config.width, Role::kOperand);
    backend->upload(*window, Values(static_cast<std::size_t>(k) * config.width, std::nanf("")));
    const KvCachePtr lived = backend->allocate_kv_cache();
    const KvCachePtr rebuilt = backend->allocate_kv_cache();
    const BufferPtr x = backend->allocate(b, config.width, Role::kOperand);
    const BufferPtr qkv = backend->allocate(b, width, Role::kOperand);
    const BufferPtr out = backend->allocate(b, config.query_width(), Role::kOperand);
    Values expected(static_cast<std::size_t>(b) * config.query_width());
    Values actual(expected.size());
    for (int batch = 0; batch < 2 * k / b + 3; ++batch) {
      const int valid = std::min(batch * b, k);
      backend->upload(*x, random_values(static_cast<std::size_t>(b) * config.width, 400 + batch));
      backend->linear(*x, *w, *qkv);
      backend->attention(*qkv, 0, *lived, valid, *out, nullptr);
      backend->download(*out, expected);
      backend->kv_rebuild(*window, *w, *rebuilt);
      backend->attention(*qkv, 0, *rebuilt, valid, *out, nullptr);
      backend->download(*out, actual);
      ASSERT_EQ(expected, actual) << "mini-batch " << batch;
      backend->kv_advance(*lived);
      backend->copy_rows(*window, b, k - b, *window, 0);
      backend->copy_rows(*x, 0, b, *window, k - b);
    }
  }
}

// A token predicted with near certainty keeps a precise loss and a gradient of the right size.
TEST_P(CpuOps, CertainTargetsKeepTheirGradient) {
  const ModelConfig config = shapes()[1];
  const auto reference = make_ref_backend<double>(config);
  const auto backend = open(GetParam(), config, 1);
  const Source embedding(config.vocabulary, config.width, 80, 1);
  Values row(config.width);
  const auto run = [&](Backend& on, double& nll, Values& gradient) {
    const MatrixPtr e = on.pack_embedding(embedding);
    const BufferPtr x = on.allocate(1, config.width, Role::kOperand);
    const BufferPtr dx = on.allocate(1, config.width, Role::kResidual);
    embedding.read_row(7, row.data());
    for (float& v : row) v = rounded(v * 0.25F);
    on.upload(*x, row);
    float loss[1];
    const Token target[] = {7};
    on.cross_entropy(*x, *e, target, loss, dx.get(), nullptr);
    nll = loss[0];
    gradient.resize(config.width);
    on.download(*dx, gradient);
  };
  double expected_nll;
  double nll;
  Values expected;
  Values gradient;
  run(*reference, expected_nll, expected);
  run(*backend, nll, gradient);
  ASSERT_LT(expected_nll, 1e-3);
  EXPECT_NEAR(nll / expected_nll, 1, 1e-4);
  EXPECT_LE(error_of(gradient, expected), kU);
}

TEST(CpuBackend, RefusesWhatItCannotRun) {
  ModelConfig config = shapes()[0];
  auto unknown = open_cpu_backend({.name = "cpu-vax"}, config);
  ASSERT_FALSE(unknown.is_ok());
  EXPECT_NE(unknown.status().message().find("cpu-baseline"), std::string::npos);
  EXPECT_FALSE(open_cpu_backend({.name = "cpu", .threads = 0}, config).is_ok());
  config.width = 72;
  auto odd = open_cpu_backend({.name = "cpu"}, config);
  ASSERT_FALSE(odd.is_ok());
  EXPECT_NE(odd.status().message().find("width"), std::string::npos);
}

TEST(CpuBackend, AutoTakesTheBestPath) {
  auto backend = open_cpu_backend({}, shapes()[0]);
  ASSERT_TRUE(backend.is_ok());
  EXPECT_EQ((*backend)->name(), cpu_backends().front());
  EXPECT_TRUE(cpu_available("baseline"));
  EXPECT_FALSE(cpu_available("vax"));
}

INSTANTIATE_TEST_SUITE_P(Paths, CpuOps, testing::ValuesIn(paths()), [](const auto& path) {
  std::string name = path.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace silt::model
