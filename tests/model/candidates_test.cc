// What cross_entropy() says about the candidates of its rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/model/backends.h"

namespace silt::model {
namespace {

class CandidatesTest : public EachBackend {};
SILT_TEST_EACH_BACKEND(CandidatesTest);

// Against the logits, and without a trace in the loss and its gradient.
TEST_P(CandidatesTest, AreTheSoftmaxOfTheLogits) {
  constexpr int kRows = 5, kPerRow = 4;
  const std::unique_ptr<Backend> backend = open();
  const std::shared_ptr<const Net> net = random_net(config_, *backend);
  const BufferPtr h = backend->allocate(config_.minibatch_tokens, config_.width, Role::kResidual);
  const BufferPtr x = backend->allocate(config_.minibatch_tokens, config_.width, Role::kOperand);
  const BufferPtr dx = backend->allocate(config_.minibatch_tokens, config_.width, Role::kResidual);
  const std::vector<Token> inputs = {3, 77, 20, 159, 4};
  const std::vector<Token> targets = {3, 0, 159, 31, 64};
  const std::vector<Token> tokens = {1,  3,  30, 31,   // with the target
                                     5,  33, 7,  -1,   // without, and fewer
                                     2,  1,  0,  159,  // at both ends
                                     8,  -1, 31, 31,   // only the first counts
                                     -1, 0,  0,  0};
  for (Buffer* buffer : {h.get(), x.get(), dx.get()}) buffer->set_rows(kRows);
  backend->embed(inputs, *net->embedding, *h);
  backend->rms_norm(*h, net->final_norm, *x);
  const auto size = static_cast<std::size_t>(kRows * config_.width);
  std::vector<float> nll(kRows), plain_nll(kRows), nats(tokens.size(), -7.0F), rest(kRows);
  std::vector<float> gradient(size), plain_gradient(size);
  backend->cross_entropy(*x, *net->embedding, targets, plain_nll, dx.get(), nullptr);
  backend->download(*dx, plain_gradient);
  const Candidates candidates{.per_row = kPerRow, .tokens = tokens, .nats = nats, .rest_nats = rest};
  backend->cross_entropy(*x, *net->embedding, targets, nll, dx.get(), &candidates);
  backend->download(*dx, gradient);

  std::vector<float> logits(static_cast<std::size_t>(config_.vocabulary));
  for (int row = 0; row < kRows; ++row) {
    backend->logits(*x, row, *net->embedding, logits);
    const auto first = tokens.begin() + row * kPerRow;
    const auto end = std::find(first, first + kPerRow, -1);
    double total = 0, rest_sum = 0;
    for (Token token = 0; token < config_.vocabulary; ++token) {
      const double share = std::exp(static_cast<double>(logits[static_cast<std::size_t>(token)]));
      total += share;
      if (std::find(first, end, token) == end) rest_sum += share;
    }
    for (auto token = first; token != end; ++token) {
      const double logit = logits[static_cast<std::size_t>(*token)];
      EXPECT_NEAR(nats[static_cast<std::size_t>(token - tokens.begin())], std::log(total) - logit, 1e-5)
          << row << ' ' << *token;
    }
    const auto i = static_cast<std::size_t>(row);
    EXPECT_NEAR(rest[i], std::log(total / rest_sum), 1e-5) << row;
    EXPECT_NEAR(nll[i], plain_nll[i], 1e-5) << row;
  }
  EXPECT_EQ(nats[7], -7.0F) << "behind a -1 nothing is written";
  for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(gradient[i], plain_gradient[i], 2e-4) << i;
}

}  // namespace
}  // namespace silt::model
