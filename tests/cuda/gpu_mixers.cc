// TTT-Linear and TTT-MLP on a GPU: how far from the float64 reference, beside how far the float32 one is.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <future>

#include "model/backends/backends.h"
#include "model/cuda/cuda_engine.h"
#include "model/lane_learner.h"
#include "model/recall_gate.h"
#include "tests/cuda/gpu_checks.h"
#include "tests/model/random_net.h"

namespace silt::model {
namespace {

using Scores = std::vector<TokenScore>;

struct Case {
  std::string name;
  ModelConfig config;
  int minibatches;
};

std::vector<Case> cases(bool quick) {
  std::vector<Case> all;
  for (const auto& [mixer, name] : {std::pair(MixerKind::kTttLinear, "linear"), std::pair(MixerKind::kTttMlp, "mlp")}) {
    ModelConfig small = even_ttt_config(mixer);
    small.recall_slots_log2 = 8;
    all.push_back({std::string(name) + ", width 64", small, quick ? 1 : 24});
    if (quick) continue;
    ModelConfig large = small;
    large.layers = 4;
    large.width = 256;
    large.heads = 4;
    large.head_width = 64;
    large.mlp_width = 640;
    large.vocabulary = 4096;
    large.minibatch_tokens = 128;
    large.complete_ttt();
    all.push_back({std::string(name) + ", width 256", large, 8});
  }
  return all;
}

std::vector<Token> stream_of(const Case& one, std::size_t i) {
  return log_like_tokens(one.config, one.minibatches * one.config.minibatch_tokens + 20 + static_cast<int>(i), static_cast<unsigned>(i) + 1);
}

Result<std::unique_ptr<Learner>> on_processor(const Case& one, const char* backend, const LearnerOptions& options) {
  SILT_ASSIGN(std::unique_ptr<Backend> opened, open_backend({.name = backend}, one.config));
  auto net = random_net(one.config, *opened);
  return Learner::create(std::move(net), std::move(opened), options);
}

Result<std::unique_ptr<Learner>> on_gpu(const Case& one, const LearnerOptions& options, int lanes) {
  const CudaOptions cuda{.device = 0, .state_bytes_max = std::size_t{256} << 20,
                         .lanes = {.frozen_scores = options.frozen_scores, .candidates_per_row = kRecallCandidates, .lanes_max = lanes}};
  SILT_ASSIGN(const std::shared_ptr<CudaDevice> device, open_cuda_device(*random_source(one.config), one.config, cuda));
  SILT_ASSIGN(std::unique_ptr<LaneEngine> engine, make_cuda_engine(device, cuda.lanes));
  SILT_ASSIGN(std::unique_ptr<Backend> host, open_backend({.name = "cpu"}, one.config));
  auto net = random_net(one.config, *host);
  return make_lane_learner(std::move(net), std::move(host), std::move(engine), options, 2);
}

// Learns the stream, then scores what is left open.
Status read(Learner& learner, AdaptedState& state, std::span<const Token> tokens, Scores& scores) {
  SILT_TRY(learner.append(state, tokens, LearnMode::kScoreAndLearn, scores).status());
  return learner.score_tail(state, scores);
}

double mean_difference(const Scores& a, const Scores& b, float TokenScore::* of) {
  if (a.size() != b.size()) return NAN;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i].*of) - static_cast<double>(b[i].*of));
  return sum / static_cast<double>(a.size());
}

std::string small(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", value);
  return text;
}

Status check_agreement_of(const Case& one, CheckRows& rows) {
  for (const bool recall : {false, true}) {
    const LearnerOptions options{.frozen_scores = true, .recall = recall};
    const std::vector<Token> tokens = stream_of(one, 0);
    const auto exactly = [&](const char* backend) -> Result<Scores> {
      SILT_ASSIGN(const std::unique_ptr<Learner> learner, on_processor(one, backend, options));
      AdaptedState state = learner->fresh();
      Scores scores;
      SILT_TRY(read(*learner, state, tokens, scores));
      return scores;
    };
    auto wide = std::async(std::launch::async, exactly, "ref-f64"), narrow = std::async(std::launch::async, exactly, "ref-f32");
    SILT_ASSIGN(const std::unique_ptr<Learner> learner, on_gpu(one, options, 4));
    AdaptedState state = learner->fresh();
    Scores scores;
    SILT_TRY(read(*learner, state, tokens, scores));
    SILT_ASSIGN(const Scores expected, wide.get());
    SILT_ASSIGN(const Scores reference, narrow.get());
    for (const auto& [of, what] : {std::pair(&TokenScore::adapted_nats, ""), std::pair(&TokenScore::frozen_nats, ", frozen")}) {
      const double ours = mean_difference(expected, scores, of), theirs = mean_difference(expected, reference, of);
      const double wanted = 3 * theirs + 1e-6;
      rows.push_back({one.name + (recall ? ", recall" : "") + what + ": mean |difference| of nats to ref-f64", small(ours),
                      "<= " + small(wanted) + " (ref-f32: " + small(theirs) + ")", ours <= wanted});
    }
  }
  return Status::ok();
}

// The bits of a lane among others, one of which only scores; a state that leaves and returns, and crosses.
Status check_states_of(const Case& one, std::size_t count, CheckRows& rows) {
  const LearnerOptions options{.frozen_scores = true, .crosses = true};
  SILT_ASSIGN(const std::unique_ptr<Learner> learner, on_gpu(one, options, 4));
  std::vector<std::vector<Token>> streams;
  std::vector<AdaptedState> states;
  std::vector<Scores> scores(count);
  for (std::size_t i = 0; i < count; ++i) streams.push_back(stream_of(one, i));
  for (std::size_t i = 0; i < count; ++i) states.push_back(learner->fresh());
  std::vector<Lane> lanes;
  for (std::size_t i = 0; i < count; ++i) {
    const LearnMode mode = i == 2 ? LearnMode::kScoreOnly : LearnMode::kScoreAndLearn;
    lanes.push_back({.state = &states[i], .tokens = streams[i], .mode = mode, .scores = &scores[i], .report = {}, .status = {}});
  }
  learner->append(lanes);
  std::size_t same = 0;
  for (std::size_t i = 0; i < count; ++i) {
    SILT_TRY(lanes[i].status);
    AdaptedState alone = learner->fresh();
    Scores apart;
    for (std::size_t at = 0; at < streams[i].size(); at += 50) {
      const auto cut = std::span<const Token>(streams[i]).subspan(at, std::min<std::size_t>(50, streams[i].size() - at));
      SILT_TRY(learner->append(alone, cut, lanes[i].mode, apart).status());
    }
    const bool equal = apart.size() == scores[i].size() && std::memcmp(apart.data(), scores[i].data(), apart.size() * sizeof apart[0]) == 0;
    same += equal && learner->digest(alone) == learner->digest(states[i]) ? 1 : 0;
  }
  rows.push_back({one.name + ": bits and digests of lanes, alone in cuts and together", std::to_string(same), std::to_string(count), same == count});
  SILT_ASSIGN(AdaptedState back, learner->load(learner->save(states[0])));
  Scores there, here;
  SILT_TRY(read(*learner, back, streams[1], there));
  SILT_ASSIGN(const std::unique_ptr<Learner> processor, on_processor(one, "cpu", options));
  SILT_ASSIGN(AdaptedState moved, processor->load(learner->save(states[0])));
  Scores crossed;
  SILT_TRY(read(*processor, moved, streams[1], crossed));
  SILT_TRY(read(*learner, states[0], streams[1], here));
  const bool equal = learner->digest(back) == learner->digest(states[0]) && mean_difference(there, here, &TokenScore::adapted_nats) == 0;
  rows.push_back({one.name + ": saved, loaded, read on", equal ? "equal" : "differ", "equal", equal});
  const double d = mean_difference(crossed, here, &TokenScore::adapted_nats);
  rows.push_back({one.name + ": moved to the processor: mean |difference| of nats", small(d), "<= 0.02", d <= 0.02});
  return Status::ok();
}

}  // namespace

Status check_mixers(const CheckContext& context, CheckRows& rows) {
  for (const Case& one : cases(context.quick)) {
    SILT_TRY(check_agreement_of(one, rows));
    SILT_TRY(check_states_of(one, context.quick ? 3 : 9, rows));
  }
  return Status::ok();
}

}  // namespace silt::model
