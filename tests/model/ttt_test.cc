// Nets with TTT layers: the reference against the layer's definition, and every backend's learning and
// reading.
#include <gtest/gtest.h>

#include <complex>
#include <limits>
#include <map>
#include <random>
#include <tuple>

#include "model/mixer_loop.h"
#include "model/ref/backend_ref.h"
#include "model/state_codec.h"
#include "tests/model/backends.h"
#include "tests/model/plain_net.h"

namespace silt::model {

namespace {

constexpr MixerKind kKinds[] = {MixerKind::kTttLinear, MixerKind::kTttMlp};

std::string kind_name(MixerKind kind) {
  return kind == MixerKind::kTttLinear ? "linear" : "mlp";
}

// The layer as ttt_mixer.h defines it, without the dual form: one explicit inner model for every token,
// and gradients by complex steps through its loss.
class PlainTttNet final : public PlainNet {
 public:
  PlainTttNet(const ModelConfig& config, bool learns)
      : PlainNet(config),
        learns_(learns),
        widths_(config.mixer == MixerKind::kTttLinear
                    ? std::vector<int>{config.head_width, config.head_width}
                    : std::vector<int>{config.head_width, 4 * config.head_width, config.head_width}),
        base_step_((config.mixer == MixerKind::kTttLinear ? 1.0 : 0.1) / config.head_width) {}

  // The inner model of a head after the last full inner mini-batch: w1, c1, w2, c2, joined.
  const Row& state(int layer, int head) const { return states_.at({layer, head}); }

 private:
  using Complex = std::complex<double>;
  template <class T>
  using Vector = std::vector<T>;

  struct Layer {  // what one head's loss needs to know
    Row scale, shift;
  };

  template <class T>
  Vector<T> layer_norm(Vector<T> x, const Row& scale, const Row& shift) const {
    const auto n = static_cast<double>(x.size());
    T mean = 0;
    for (const T& value : x) mean += value / n;
    T variance = 0;
    for (const T& value : x) variance += (value - mean) * (value - mean) / n;
    const T deviation = std::sqrt(variance + static_cast<double>(c_.norm_epsilon));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - mean) / deviation * scale[i] + shift[i];
    return x;
  }

  template <class T>
  Vector<T> inner_model(const Vector<T>& model, const Row& z) const {
    Vector<T> x(z.begin(), z.end());
    const T* next = model.data();
    for (std::size_t map = 0; map + 1 < widths_.size(); ++map) {
      const auto out = static_cast<std::size_t>(widths_[map + 1]);
      const T* bias = next + x.size() * out;
      Vector<T> y(bias, bias + out);
      for (std::size_t i = 0; i < x.size(); ++i) {
        for (std::size_t j = 0; j < out; ++j) y[j] += x[i] * next[i * out + j];
      }
      next = bias + out;
      if (map + 2 < widths_.size()) {
        for (T& v : y) v = 0.5 * v * (1.0 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
      }
      x = y;
    }
    return x;
  }

  Row gradient(const Row& model, const Layer& layer, const Row& key, const Row& target) const {
    constexpr double kStep = 1e-30;
    Vector<Complex> at(model.begin(), model.end());
    Row result(model.size());
    for (std::size_t p = 0; p < at.size(); ++p) {
      at[p] += Complex(0, kStep);
      const Vector<Complex> out = layer_norm(inner_model(at, key), layer.scale, layer.shift);
      Complex loss = 0;
      for (std::size_t i = 0; i < out.size(); ++i) loss += 0.5 * (out[i] - target[i]) * (out[i] - target[i]);
      result[p] = loss.imag() / kStep;
      at[p] = model[p];
    }
    return result;
  }

  Row initial(const std::string& ttt, int head) const {
    Row model;
    for (std::size_t map = 0; map + 1 < widths_.size(); ++map) {
      for (const char* letter : {"w", "c"}) {
        const std::vector<float> all = tensor(ttt + letter + std::to_string(map + 1));
        const auto size = static_cast<std::ptrdiff_t>(all.size()) / c_.heads;
        model.insert(model.end(), all.begin() + head * size, all.begin() + (head + 1) * size);
      }
    }
    return model;
  }

  void mix_head(const std::string& ttt, int layer, int head, Rows q, Rows k, const Rows& v,
                const Rows& logits, Rows& out) {
    const auto width = static_cast<std::size_t>(c_.head_width);
    const std::size_t at = static_cast<std::size_t>(head) * width;
    const auto part = [&](const Row& row) {
      return Row(row.begin() + static_cast<std::ptrdiff_t>(at),
                 row.begin() + static_cast<std::ptrdiff_t>(at + width));
    };
    const auto vector_of = [&](const char* name) {
      const std::vector<float> all = tensor(ttt + name);
      return part(Row(all.begin(), all.end()));
    };
    const Layer own{vector_of("ln_scale"), vector_of("ln_shift")};
    const std::vector<float> delta = tensor(ttt + "position_scale");
    const double step_bias = tensor(ttt + "lr_bias")[static_cast<std::size_t>(head)];
    Row start = initial(ttt, head);
    Rows gradients;
    Row steps;
    for (std::size_t t = 0; t < q.size(); ++t) {
      const std::size_t position = t % 16;
      turn(q[t], at, position);
      turn(k[t], at, position);
      const Row key = part(k[t]);
      Row target = part(v[t]);
      for (std::size_t i = 0; i < width; ++i) target[i] -= key[i];
      if (position == 0) gradients.clear(), steps.clear();
      gradients.push_back(gradient(start, own, key, target));
      steps.push_back(base_step_ / (1 + std::exp(-logits[t][static_cast<std::size_t>(head)] - step_bias)));
      Row model = start;
      const double ramp = std::max(0.0, 1.0 / static_cast<double>(position + 1) + delta[position]);
      for (std::size_t s = 0; learns_ && s <= position; ++s) {
        for (std::size_t p = 0; p < model.size(); ++p) model[p] -= ramp * steps[s] * gradients[s][p];
      }
      const Row query = part(q[t]);
      const Row normed = layer_norm(inner_model(model, query), own.scale, own.shift);
      for (std::size_t i = 0; i < width; ++i) out[t][at + i] = query[i] + normed[i];
      if (position == 15) start = model;
    }
    states_[{layer, head}] = start;
  }

  void run_block(const std::string& block, int layer, Rows& h) override {
    const std::string ttt = block + "ttt.";
    const Rows x = norm(h, block + "ttt_norm");
    const Rows q = times(x, ttt + "q", c_.query_width()), k = times(x, ttt + "k", c_.query_width()),
               v = times(x, ttt + "v", c_.query_width()), logits = times(x, ttt + "lr_weight", c_.heads);
    Rows out(x.size(), Row(q[0].size()));
    for (int head = 0; head < c_.heads; ++head) mix_head(ttt, layer, head, q, k, v, logits, out);
    const std::vector<float> scale = tensor(ttt + "post_norm_scale"), shift = tensor(ttt + "post_norm_shift");
    for (Row& row : out) {
      row = layer_norm(row, Row(scale.begin(), scale.end()), Row(shift.begin(), shift.end()));
    }
    add(h, times(out, ttt + "o", c_.width));
    add(h, swiglu(norm(h, block + "mlp_norm"), block + "mlp", c_.mlp_width));
  }

  bool learns_;
  std::vector<int> widths_;
  double base_step_;
  std::map<std::pair<int, int>, Row> states_;
};

class TttDefinition : public testing::TestWithParam<std::tuple<MixerKind, bool>> {
 protected:
  TttDefinition() { config_.layers = config_.fast_layers = 2; }
  bool learns() const { return std::get<bool>(GetParam()); }

  ModelConfig config_ = odd_ttt_config(std::get<MixerKind>(GetParam()));
};

INSTANTIATE_TEST_SUITE_P(Kinds, TttDefinition, testing::Combine(testing::ValuesIn(kKinds), testing::Bool()),
                         [](const auto& test) {
                           return kind_name(std::get<0>(test.param)) +
                                  (std::get<1>(test.param) ? "_learns" : "_stays");
                         });

TEST_P(TttDefinition, IsWhatTheReferenceComputes) {
  const auto b = static_cast<std::size_t>(config_.minibatch_tokens);
  const std::vector<Token> tokens = log_like_tokens(config_, static_cast<int>(2 * b) + 12);
  PlainTttNet plain(config_, learns());
  const std::vector<double> expected = plain.nll(tokens);

  const std::unique_ptr<RefBackend<double>> backend = make_ref_backend<double>(config_);
  const std::shared_ptr<const Net> net = random_net(config_, *backend);
  const std::unique_ptr<MixerLoop> loop = make_mixer_loop(net, *backend, /*frozen=*/false);
  AdaptedState state = empty_state(*net, /*frozen=*/false, /*recall=*/false);
  loop->bind(state);
  std::vector<float> nll(b);
  for (std::size_t at = 0; at + 1 < tokens.size(); at += b) {
    const std::size_t rows = std::min(b, tokens.size() - 1 - at);
    loop->score(std::span(tokens).subspan(at, rows), std::span(tokens).subspan(at + 1, rows), 0, learns(),
                std::span(nll).first(rows), {}, nullptr);
    double mean = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      mean += expected[at + i] / static_cast<double>(rows);
      EXPECT_NEAR(nll[i], expected[at + i], 2e-6 * expected[at + i]) << "token " << at + i;
    }
    EXPECT_NEAR(backend->last_loss(), mean, 1e-9 * mean) << "from token " << at;
    if (!learns() || rows < b) continue;
    const double change = loop->gradient();
    const std::shared_ptr<FastWeights> next = allocate_fast_weights(config_, *backend);
    loop->update(*state.weights, *next, change);
    state.weights = next;
    EXPECT_GT(change, 0.1);
  }
  for (int layer = 0; layer < config_.layers && learns(); ++layer) {
    for (int head = 0; head < config_.heads; ++head) {
      const double* wanted = plain.state(layer, head).data();
      for (const InnerLinear& map : state.weights->inner[static_cast<std::size_t>(layer)]) {
        for (Buffer* buffer : {map.weight, map.bias}) {
          const std::size_t size =
              backend->raw(*buffer).size() / sizeof(double) / static_cast<std::size_t>(config_.heads);
          const auto* got = reinterpret_cast<const double*>(backend->raw(*buffer).data()) +
                            static_cast<std::size_t>(head) * size;
          for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(got[i], *wanted++, 1e-9);
        }
      }
    }
  }
}

// Every test below runs with both kinds on every backend.
class TttTest : public testing::TestWithParam<std::tuple<MixerKind, std::string>> {
 protected:
  std::unique_ptr<Backend> open(const std::string& name, int threads = 1) const {
    return std::move(open_backend({.name = name, .threads = threads}, config_)).value();
  }
  std::unique_ptr<Learner> learner(const LearnerOptions& options = {}, int threads = 1,
                                   const std::string& backend = std::get<std::string>(GetParam())) const {
    std::unique_ptr<Backend> opened = open(backend, threads);
    const std::shared_ptr<const Net> net = random_net(config_, *opened);
    return Learner::create(net, std::move(opened), options);
  }
  std::unique_ptr<Reader> reader() const {
    std::unique_ptr<Backend> opened = open(std::get<std::string>(GetParam()));
    const std::shared_ptr<const Net> net = random_net(config_, *opened);
    return Reader::create(net, std::move(opened));
  }
  std::vector<TokenScore> append(Learner& learner, AdaptedState& state, std::span<const Token> tokens,
                                 LearnMode mode = LearnMode::kScoreAndLearn) const {
    std::vector<TokenScore> scores;
    EXPECT_TRUE(learner.append(state, tokens, mode, scores).is_ok());
    return scores;
  }
  std::span<const Token> tokens(std::size_t begin, std::size_t count) const {
    return std::span(tokens_).subspan(begin, count);
  }

  ModelConfig config_ = even_ttt_config(std::get<MixerKind>(GetParam()));
  std::size_t b_ = static_cast<std::size_t>(config_.minibatch_tokens);
  std::vector<Token> tokens_ = log_like_tokens(config_, static_cast<int>(5 * b_ + 21));
};

INSTANTIATE_TEST_SUITE_P(Kinds, TttTest,
                         testing::Combine(testing::ValuesIn(kKinds), testing::ValuesIn(available_backends())),
                         [](const auto& test) {
                           std::string name =
                               kind_name(std::get<0>(test.param)) + "_" + std::get<1>(test.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// From the same bfloat16 projections to outputs and states: single precision against double.
TEST_P(TttTest, MixesAsTheReferenceDoes) {
  struct Mixed {
    std::vector<float> out;
    std::vector<std::vector<float>> state;
  };
  constexpr int kRows = 3 * kTttTokens;
  std::vector<float> projected(static_cast<std::size_t>(b_ * config_.projected_width()));
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (float& value : projected) value = std::round(32 * normal(random)) / 32;  // exact in bfloat16
  const auto mix = [&](const std::string& name) {
    const std::unique_ptr<Backend> backend = open(name);
    const std::shared_ptr<const Net> net = random_net(config_, *backend);
    const BufferPtr in =
        backend->allocate(config_.minibatch_tokens, config_.projected_width(), Role::kOperand);
    const BufferPtr out = backend->allocate(config_.minibatch_tokens, config_.query_width(), Role::kOperand);
    backend->upload(*in, projected);
    const TttCachePtr cache = backend->ttt().allocate_cache();
    backend->ttt().start(net->initial->inner[0], *cache);
    Mixed mixed;
    for (int rows = 0; rows < kRows; rows += config_.minibatch_tokens / 2) {
      in->set_rows(config_.minibatch_tokens / 2);
      out->set_rows(in->rows());
      backend->ttt().mix(*in, net->ttt[0], /*learns=*/true, *cache, *out);
      mixed.out.resize(static_cast<std::size_t>(out->rows() * out->cols()));
      backend->download(*out, mixed.out);
    }
    const std::unique_ptr<FastWeights> state = allocate_fast_weights(config_, *backend);
    backend->ttt().store(*cache, state->inner[0]);
    for (const InnerLinear& map : state->inner[0]) {
      for (Buffer* buffer : {map.weight, map.bias}) {
        mixed.state.emplace_back(static_cast<std::size_t>(buffer->rows() * buffer->cols()));
        backend->download(*buffer, mixed.state.back());
      }
    }
    return mixed;
  };
  const Mixed expected = mix("ref-f64");
  const Mixed got = mix(std::get<std::string>(GetParam()));
  for (std::size_t i = 0; i < got.out.size(); ++i) {
    ASSERT_NEAR(got.out[i], expected.out[i], 1e-5 + std::abs(expected.out[i]) / 256) << i;
  }
  for (std::size_t m = 0; m < got.state.size(); ++m) {
    for (std::size_t i = 0; i < got.state[m].size(); ++i) {
      ASSERT_NEAR(got.state[m][i], expected.state[m][i], 1e-5) << "tensor " << m << ", element " << i;
    }
  }
}

// Single tokens as golden_test.cc allows, all together as agreement_test.cc does.
TEST_P(TttTest, AgreesWithTheReference) {
  const auto exact = this->learner({.frozen_scores = true}, 1, "ref-f64");
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState expected_state = exact->fresh(), state = learner->fresh();
  const std::vector<TokenScore> expected = append(*exact, expected_state, tokens_);
  const std::vector<TokenScore> scores = append(*learner, state, tokens_);
  const bool ref = learner->backend_name().starts_with("ref");
  double total = 0, expected_total = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(scores[i].adapted_nats, expected[i].adapted_nats, ref ? 5e-4 : 0.15) << "token " << i;
    EXPECT_NEAR(scores[i].frozen_nats, expected[i].frozen_nats, ref ? 5e-4 : 0.15) << "token " << i;
    total += scores[i].adapted_nats;
    expected_total += expected[i].adapted_nats;
  }
  EXPECT_NEAR(total / expected_total, 1, ref ? 2e-6 : 0.003);
}

TEST_P(TttTest, TheCutOfTheInputDoesNotMatter) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState whole = learner->fresh(), cut = learner->fresh();
  const std::vector<TokenScore> expected = append(*learner, whole, tokens_);
  std::vector<TokenScore> scores;
  std::mt19937 random(5);
  for (std::size_t at = 0; at < tokens_.size();) {
    const std::size_t size = std::min<std::size_t>(random() % 45, tokens_.size() - at);
    for (const TokenScore& score : append(*learner, cut, tokens(at, size))) scores.push_back(score);
    at += size;
  }
  EXPECT_EQ(scores, expected);
  EXPECT_EQ(learner->digest(cut), learner->digest(whole));
}

TEST_P(TttTest, TailScoresHaveTheBitsOfTheFullStep) {
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens(0, b_));
  std::vector<std::vector<TokenScore>> tails;
  for (std::size_t waiting = 1; waiting < b_; ++waiting) {
    append(*learner, state, tokens(b_ + waiting - 1, 1));
    const Digest before = learner->digest(state);
    ASSERT_TRUE(learner->score_tail(state, tails.emplace_back()).is_ok());
    ASSERT_EQ(tails.back().size(), waiting);
    EXPECT_EQ(learner->digest(state), before);
  }
  const std::vector<TokenScore> full = append(*learner, state, tokens(2 * b_ - 1, 1));
  ASSERT_EQ(full.size(), b_);
  for (const std::vector<TokenScore>& tail : tails) {
    for (std::size_t i = 0; i < tail.size(); ++i)
      ASSERT_EQ(tail[i], full[i]) << tail.size() << " rows, row " << i;
  }
}

TEST_P(TttTest, ResumesFromItsBlobBitForBit) {
  for (const bool frozen : {false, true}) {
    const auto learner = this->learner({.frozen_scores = frozen});
    AdaptedState whole = learner->fresh();
    append(*learner, whole, tokens_);
    const auto earlier = this->learner({.frozen_scores = frozen});
    AdaptedState state = earlier->fresh();
    append(*earlier, state, tokens(0, 2 * b_ + 7));
    const std::string blob = earlier->save(state);
    EXPECT_LT(blob.size(), learner->full_state_bytes());
    Result<AdaptedState> loaded = learner->load(blob);
    ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
    EXPECT_EQ(learner->save(*loaded), blob);
    append(*learner, *loaded, std::span(tokens_).subspan(2 * b_ + 7));
    EXPECT_EQ(learner->digest(*loaded), learner->digest(whole));
    EXPECT_FALSE(learner->load(blob.substr(0, blob.size() / 2)).is_ok());
  }
}

TEST_P(TttTest, ThreadsDoNotChangeBits) {
  std::vector<TokenScore> expected;
  Digest digest;
  for (const int threads : {1, 2, 4}) {
    const auto learner = this->learner({.frozen_scores = true}, threads);
    AdaptedState state = learner->fresh();
    std::vector<TokenScore> scores = append(*learner, state, tokens_);
    ASSERT_TRUE(learner->score_tail(state, scores).is_ok());
    if (threads == 1) {
      expected = scores;
      digest = learner->digest(state);
    }
    EXPECT_EQ(scores, expected) << threads << " threads";
    EXPECT_EQ(learner->digest(state), digest) << threads << " threads";
  }
}

TEST_P(TttTest, ScoringOnlyIsFrozenScoringAndLeavesTheWeights) {
  const auto both = this->learner({.frozen_scores = true});
  const auto frozen = this->learner();
  AdaptedState learned = both->fresh(), read = frozen->fresh();
  const std::vector<TokenScore> scores = append(*both, learned, tokens_);
  const std::vector<TokenScore> only = append(*frozen, read, tokens_, LearnMode::kScoreOnly);
  ASSERT_EQ(scores.size(), 5 * b_);
  ASSERT_EQ(only.size(), 5 * b_);
  for (std::size_t i = 0; i < only.size(); ++i) ASSERT_EQ(scores[i].frozen_nats, only[i].adapted_nats) << i;
  EXPECT_NE(scores[3].adapted_nats, scores[3].frozen_nats)
      << "learning begins within the first inner mini-batch";
  EXPECT_EQ(read.weights, frozen->fresh().weights);
  EXPECT_EQ(read.tokens, 5 * b_);

  // Without learning a score knows its input token only.
  std::vector<Token> changed = tokens_;
  changed[3] = (changed[3] + 1) % config_.vocabulary;
  AdaptedState other = frozen->fresh();
  const std::vector<TokenScore> after = append(*frozen, other, changed, LearnMode::kScoreOnly);
  for (std::size_t i = 5; i < only.size(); ++i) ASSERT_EQ(after[i], only[i]) << i;
}

TEST_P(TttTest, SwitchingStatesChangesNothing) {
  const auto learner = this->learner();
  std::vector<AdaptedState> states;
  std::vector<Digest> expected;
  for (unsigned s = 0; s < 2; ++s) {
    AdaptedState alone = learner->fresh();
    append(*learner, alone, log_like_tokens(config_, 100, s));
    expected.push_back(learner->digest(alone));
    states.push_back(learner->fresh());
  }
  for (std::size_t at = 0; at < 100; at += 20) {
    for (unsigned s = 0; s < 2; ++s) {
      const std::vector<Token> stream = log_like_tokens(config_, 100, s);
      append(*learner, states[s], std::span(stream).subspan(at, 20));
    }
  }
  for (unsigned s = 0; s < 2; ++s) EXPECT_EQ(learner->digest(states[s]), expected[s]) << s;
}

TEST_P(TttTest, SkipsStepsThatAreNotFinite) {
  const auto learner = this->learner();
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens(0, b_));
  const std::unique_ptr<Backend> backend = open(std::get<std::string>(GetParam()));
  const std::shared_ptr<FastWeights> broken = allocate_fast_weights(config_, *backend);
  for (const BufferPtr& buffer : broken->buffers) {
    backend->upload(*buffer, std::vector<float>(static_cast<std::size_t>(buffer->rows() * buffer->cols()),
                                                std::numeric_limits<float>::infinity()));
  }
  state.weights = broken;
  state.tag = std::make_shared<const char>();
  std::vector<TokenScore> scores;
  Result<AppendReport> report = learner->append(state, tokens(b_, b_), LearnMode::kScoreAndLearn, scores);
  ASSERT_TRUE(report.is_ok());
  EXPECT_EQ(report->skipped_steps, 1);
  EXPECT_EQ(state.weights, broken);
  EXPECT_FALSE(std::isfinite(scores.front().adapted_nats));
}

// A reader goes on where the snapshot is, as the learner does.
TEST_P(TttTest, ReadersContinueFromASnapshot) {
  const auto learner = this->learner();
  const auto reader = this->reader();
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens(0, 2 * b_));
  const std::shared_ptr<const FastWeights> snapshot = state.weights;
  const Digest before = learner->digest(state);
  std::vector<float> nll, again;
  const auto text = tokens(2 * b_, 2 * b_);
  ASSERT_TRUE(reader->score(snapshot, tokens(2 * b_ - 1, 1), text, nll).is_ok());
  ASSERT_TRUE(reader->score(snapshot, tokens(2 * b_ - 1, 1), text, again).is_ok());
  EXPECT_EQ(again, nll) << "a text teaches the snapshot nothing";
  EXPECT_EQ(learner->digest(state), before);
  const std::vector<TokenScore> scores = append(*learner, state, text);
  ASSERT_EQ(scores.size(), nll.size());
  for (std::size_t i = 0; i < nll.size(); ++i) ASSERT_EQ(nll[i], scores[i].adapted_nats) << i;

  std::vector<float> from_w0;
  ASSERT_TRUE(reader->score(nullptr, tokens(2 * b_ - 1, 1), text, from_w0).is_ok());
  EXPECT_NE(from_w0, nll);
  AdaptedState fresh = learner->fresh(tokens_[2 * b_ - 1]);
  const std::vector<TokenScore> fresh_scores = append(*learner, fresh, text);
  for (std::size_t i = 0; i < nll.size(); ++i) ASSERT_EQ(from_w0[i], fresh_scores[i].adapted_nats) << i;
}

TEST_P(TttTest, TextsScoredTogetherHaveTheBitsOfEachAlone) {
  const auto learner = this->learner();
  const auto reader = this->reader();
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens(0, b_));
  std::vector<std::vector<float>> together(12);
  std::vector<TextLane> texts;
  for (std::size_t i = 0; i < together.size(); ++i) {
    const std::size_t at = i / 2;
    texts.push_back({.weights = i % 2 == 0 ? state.weights : nullptr,
                     .context = tokens(at, at),
                     .text = tokens(7 * at, 3 + 5 * at),
                     .nll = &together[i]});
  }
  ASSERT_TRUE(reader->score(texts).is_ok());
  for (const TextLane& lane : texts) {
    std::vector<float> alone;
    ASSERT_TRUE(reader->score(lane.weights, lane.context, lane.text, alone).is_ok());
    EXPECT_EQ(*lane.nll, alone) << lane.nll - together.data();
  }
}

// Token by token and as a prompt, across inner mini-batches: the same choices.
TEST_P(TttTest, GeneratesTheSameHoweverThePromptIsCut) {
  const auto reader = this->reader();
  const std::vector<Token> all =
      std::move(reader->generate(nullptr, tokens(0, 9), {.tokens_max = 40})).value();
  ASSERT_EQ(all.size(), 40u);
  for (const std::size_t cut : {1u, 6u, 7u, 8u, 25u, 39u}) {
    std::vector<Token> prompt(tokens_.begin(), tokens_.begin() + 9);
    prompt.insert(prompt.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut));
    const std::vector<Token> rest =
        std::move(reader->generate(nullptr, prompt, {.tokens_max = static_cast<int>(40 - cut)})).value();
    EXPECT_EQ(rest, std::vector<Token>(all.begin() + static_cast<std::ptrdiff_t>(cut), all.end())) << cut;
  }
}

// The mixer's loop tells the candidates' surprises, so recall works over it as over any other.
TEST_P(TttTest, RecallSplitsTheProbabilityOfOne) {
  config_.recall_slots_log2 = 9;
  const auto learner = this->learner({.frozen_scores = true});
  AdaptedState state = learner->fresh();
  append(*learner, state, tokens(0, 3 * b_ + 5));
  const std::string blob = learner->save(state);
  double total = 0;
  for (Token token = 0; token < config_.vocabulary; ++token) {
    AdaptedState next = std::move(learner->load(blob)).value();
    std::vector<TokenScore> scores = append(*learner, next, std::span(&token, 1));
    ASSERT_TRUE(scores.empty());
    ASSERT_TRUE(learner->score_tail(next, scores).is_ok());
    ASSERT_NE(scores.back().adapted_nats, scores.back().frozen_nats);
    total += std::exp(-static_cast<double>(scores.back().adapted_nats));
  }
  EXPECT_NEAR(total, 1, 1e-5);
}

}  // namespace
}  // namespace silt::model
