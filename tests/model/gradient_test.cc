// The backward pass against complex-step differentiation: d f / d w = Im f(w + ih) / h without
// cancellation, so that agreement to 1e-9 is agreement of the formulas and not of rounding.
#include <gtest/gtest.h>

#include <complex>
#include <cstring>

#include "model/inner_loop.h"
#include "model/ref/backend_ref.h"
#include "model/state_codec.h"
#include "tests/model/random_net.h"

namespace silt::model {
namespace {

using Complex = std::complex<double>;

// One net on one reference backend, which can read a stream and be asked for losses and gradients.
template <class T>
struct Rig {
  std::unique_ptr<RefBackend<T>> backend;
  std::shared_ptr<const Net> net;
  InnerLoop loop;
  AdaptedState state;

  explicit Rig(const ModelConfig& config)
      : backend(make_ref_backend<T>(config)),
        net(random_net(config, *backend)),
        loop(net, *backend, /*frozen=*/false),
        state(empty_state(*net, /*frozen=*/false, /*recall=*/false)) {
    loop.bind(state);
  }

  T loss(std::span<const Token> inputs, std::span<const Token> targets, bool taped) {
    std::vector<float> nll(inputs.size());
    loop.score(inputs, targets, state.window_valid, taped, nll, {}, nullptr);
    return backend->last_loss();
  }

  void learn(std::span<const Token> inputs, std::span<const Token> targets) {
    loss(inputs, targets, /*taped=*/true);
    const double norm = loop.gradient();
    std::shared_ptr<FastWeights> next = allocate_fast_weights(net->config, *backend);
    loop.update(*state.weights, *next, norm);
    state.weights = next;
    loop.advance(state);
  }

  std::shared_ptr<FastWeights> copy_of_weights() {
    std::shared_ptr<FastWeights> copy = allocate_fast_weights(net->config, *backend);
    for (std::size_t i = 0; i < copy->buffers.size(); ++i) {
      const std::span<const std::byte> from = backend->raw(std::as_const(*state.weights->buffers[i]));
      std::memcpy(backend->raw(*copy->buffers[i]).data(), from.data(), from.size());
    }
    return copy;
  }

  T* elements(Buffer& buffer) { return reinterpret_cast<T*>(backend->raw(buffer).data()); }
};

constexpr FastLearns kBothRules[] = {FastLearns::kGateUpDown, FastLearns::kDown};

class Gradient : public testing::TestWithParam<std::tuple<int, FastLearns>> {};

// After 0, 1 and 3 mini-batches the window is empty, half full and full.
TEST_P(Gradient, OfEveryFastWeightMatchesComplexStep) {
  ModelConfig config = odd_config();
  config.fast_learns = std::get<FastLearns>(GetParam());
  const auto b = static_cast<std::size_t>(config.minibatch_tokens);
  const std::vector<Token> tokens = log_like_tokens(config, 64);
  const auto inputs = [&](std::size_t i) { return std::span(tokens).subspan(i * b, b); };
  const auto targets = [&](std::size_t i) { return std::span(tokens).subspan(i * b + 1, b); };

  Rig<double> real(config);
  Rig<Complex> complex(config);
  const auto read = static_cast<std::size_t>(std::get<int>(GetParam()));
  for (std::size_t i = 0; i < read; ++i) {
    real.learn(inputs(i), targets(i));
    complex.learn(inputs(i), targets(i));
  }
  const double loss = real.loss(inputs(read), targets(read), /*taped=*/true);
  const double norm = real.loop.gradient();
  EXPECT_NEAR(complex.loss(inputs(read), targets(read), /*taped=*/false).real(), loss, 1e-12);

  constexpr double kStep = 1e-30;
  const std::shared_ptr<FastWeights> perturbed = complex.copy_of_weights();
  complex.state.weights = perturbed;
  double sum = 0;
  std::size_t tensor = 0;
  for (const FastTensors& layer : real.loop.gradients()) {
    EXPECT_EQ(layer.gate != nullptr, config.learns_gate_up());
    for (Buffer* gradient : {layer.gate, layer.up, layer.down}) {
      if (gradient == nullptr) continue;  // frozen
      Complex* weights = complex.elements(*perturbed->buffers[tensor++]);
      const int size = gradient->rows() * gradient->cols();
      for (int e = 0; e < size; ++e) {
        weights[e].imag(kStep);
        complex.loop.bind(complex.state);
        const double expected = complex.loss(inputs(read), targets(read), /*taped=*/false).imag() / kStep;
        weights[e].imag(0);
        const double got = real.elements(*gradient)[e];
        sum += got * got;
        ASSERT_NEAR(got, expected, 1e-9 * std::abs(expected) + 1e-14)
            << "tensor " << tensor << " element " << e;
      }
    }
  }
  EXPECT_EQ(tensor, perturbed->buffers.size());
  EXPECT_NEAR(norm, std::sqrt(sum + 1e-12), 1e-12);
  EXPECT_GT(norm, 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Window, Gradient,
                         testing::Combine(testing::Values(0, 1, 3), testing::ValuesIn(kBothRules)));

// W <- W0 + decay (W - W0) - step g min(1, clip / |g|), per tensor or per row of down.
class Update : public testing::TestWithParam<FastLearns> {};

TEST_P(Update, DecaysTowardsTheInitialWeightsAndClipsByOneNorm) {
  for (const float clip : {0.05f, 1e6f}) {
    ModelConfig config = odd_config();
    config.clip_norm = clip;
    config.fast_learns = GetParam();
    Rig<double> rig(config);
    const std::vector<Token> tokens = log_like_tokens(config, 64);
    const auto b = static_cast<std::size_t>(config.minibatch_tokens);
    for (std::size_t i = 0; i < 3; ++i) {  // so that W differs from W0
      rig.learn(std::span(tokens).subspan(i * b, b), std::span(tokens).subspan(i * b + 1, b));
    }
    rig.loss(std::span(tokens).subspan(3 * b, b), std::span(tokens).subspan(3 * b + 1, b), /*taped=*/true);
    const double norm = rig.loop.gradient();
    EXPECT_TRUE(clip < norm || clip == 1e6f) << "the small clip does not bite";
    const double scale = clip < norm ? clip / norm : 1.0;
    const std::shared_ptr<FastWeights> next = allocate_fast_weights(config, *rig.backend);
    rig.loop.update(*rig.state.weights, *next, norm);

    for (std::size_t i = 0; i < next->layers.size(); ++i) {
      const std::string block =
          "blocks." + std::to_string(config.prefix_layers() + static_cast<int>(i)) + ".";
      const std::vector<float> decay = random_tensor(config, block + "fast.decay");
      const std::vector<float> step = random_tensor(config, block + "fast.step");
      // `rate` is where the rates of a tensor's first row stand.
      const auto check = [&](Buffer* FastTensors::*tensor, std::size_t rate, bool of_each_row) {
        const double* w0 = rig.elements(*(rig.net->initial->layers[i].*tensor));
        const double* from = rig.elements(*(rig.state.weights->layers[i].*tensor));
        const double* g = rig.elements(*(rig.loop.gradients()[i].*tensor));
        Buffer& to = *(next->layers[i].*tensor);
        for (int e = 0; e < to.rows() * to.cols(); ++e) {
          const std::size_t at = rate + (of_each_row ? static_cast<std::size_t>(e / to.cols()) : 0);
          const double moved = step[at] * scale * g[e];
          ASSERT_NEAR(rig.elements(to)[e], w0[e] + decay[at] * (from[e] - w0[e]) - moved,
                      1e-6 * std::abs(moved) + 1e-15);
        }
      };
      if (config.learns_gate_up()) {
        check(&FastTensors::gate, 0, false);
        check(&FastTensors::up, 1, false);
        check(&FastTensors::down, 2, false);
      } else {
        ASSERT_EQ(step.size(), static_cast<std::size_t>(config.fast_width));
        check(&FastTensors::down, 0, true);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Update, testing::ValuesIn(kBothRules));

}  // namespace
}  // namespace silt::model
