#include "tests/cuda/gpu_checks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <future>
#include <numeric>
#include <random>

#include "model/cuda/cuda_engine.h"
#include "model/cuda/runtime.h"
#include "model/learner.h"
#include "model/reader.h"
#include "tests/cuda/gpu_text.h"

namespace silt::model {
namespace {

constexpr std::size_t kBatch = 128;

std::string text_of(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

Result<std::unique_ptr<Learner>> open(const CheckContext& context, const char* backend, LearnerOptions options,
                                      int lanes = 256) {
  BackendOptions backend_options{.name = backend, .threads = 8};
  backend_options.lanes_max = context.quick && lanes < 256 ? 2 : lanes;
  return Learner::create(context.model, backend_options, options);
}

double sum_nats(const std::vector<TokenScore>& scores) {
  double sum = 0;
  for (const TokenScore& score : scores) sum += score.adapted_nats;
  return sum;
}

// The largest and the mean difference.
struct Difference {
  double mean = 0, max = 0;
};
Difference difference(const std::vector<TokenScore>& a, const std::vector<TokenScore>& b, float TokenScore::* of) {
  Difference d;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double one = std::abs(static_cast<double>(a[i].*of) - static_cast<double>(b[i].*of));
    d.mean += one / static_cast<double>(a.size());
    d.max = std::isfinite(one) ? std::max(d.max, one) : one;
  }
  return d;
}

bool same_bits(const std::vector<TokenScore>& a, const std::vector<TokenScore>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

// The fast weights of a state that has learned, from its stored form: the last of it but for the windows, the digest
// and, where there is one, the recall.
std::vector<float> weights_of(const Learner& learner, const AdaptedState& state, std::size_t count) {
  const std::string blob = learner.save(state);
  const std::size_t rows =
      static_cast<std::size_t>(state.window_valid) * static_cast<std::size_t>(learner.config().width);
  const std::size_t element = learner.backend_name().starts_with("ref") ? sizeof(float) : 2;
  const std::size_t windows = rows * element * static_cast<std::size_t>(learner.config().windows());
  std::vector<float> values(count);
  std::memcpy(values.data(), blob.data() + blob.size() - 16 - windows - count * sizeof(float), count * sizeof(float));
  return values;
}

Result<std::vector<float>> initial_weights(const Model& model) {
  std::vector<float> values;
  for (int layer = model.config().prefix_layers(); layer < model.config().layers; ++layer) {
    SILT_ASSIGN(const auto matrix, model.weights().matrix("blocks." + std::to_string(layer) + ".fast.down"));
    for (int row = 0; row < matrix->in(); ++row) {
      values.resize(values.size() + static_cast<std::size_t>(matrix->out()));
      matrix->read_row(row, values.data() + values.size() - matrix->out());
    }
  }
  return values;
}

// |(b - b0) - (a - a0)| / |a - a0| over one layer.
double change_error(std::span<const float> a0, std::span<const float> a, std::span<const float> b0,
                    std::span<const float> b) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double wanted = static_cast<double>(a[i]) - a0[i], got = static_cast<double>(b[i]) - b0[i];
    error += (got - wanted) * (got - wanted);
    size += wanted * wanted;
  }
  return std::sqrt(error / size);
}

}  // namespace

namespace {

// What the first two lanes of a pass gave.
struct Pass {
  std::vector<TokenScore> scores[2];
  std::vector<float> nats;
  Digest digests[2];
  friend bool operator==(const Pass& a, const Pass& b) {
    return same_bits(a.scores[0], b.scores[0]) && same_bits(a.scores[1], b.scores[1]) && a.nats == b.nats &&
           a.digests[0] == b.digests[0] && a.digests[1] == b.digests[1];
  }
};

// Lanes that fill their windows and go on, the second scoring only at the end; the open mini-batch; a state that leaves
// and returns; texts read under a version and under W_0.
Result<Pass> pass_over_all(Learner& learner, Reader& reader, std::span<const std::vector<Token>> streams) {
  const std::size_t blocks = static_cast<std::size_t>(learner.config().window_tokens) / kBatch;
  const std::size_t first = (blocks + 1) * kBatch + 30;
  Pass pass;
  std::vector<AdaptedState> states;
  for (std::size_t i = 0; i < streams.size(); ++i) states.push_back(learner.fresh());
  std::vector<TokenScore> of_others;
  const auto read = [&](std::size_t from, std::size_t count, LearnMode second) -> Status {
    std::vector<Lane> lanes;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const std::span<const Token> tokens = std::span<const Token>(streams[i]).subspan(from, count);
      const LearnMode mode = i == 1 ? second : LearnMode::kScoreAndLearn;
      lanes.push_back({&states[i], tokens, mode, i < 2 ? &pass.scores[i] : &of_others, {}, {}});
    }
    learner.append(lanes);
    for (const Lane& lane : lanes) SILT_TRY(lane.status);
    return Status::ok();
  };
  SILT_TRY(read(0, first, LearnMode::kScoreAndLearn));
  SILT_TRY(learner.score_tail(states[0], pass.scores[0]));
  SILT_ASSIGN(AdaptedState back, learner.load(learner.save(states[1])));
  states[1] = std::move(back);
  SILT_TRY(read(first, kBatch, LearnMode::kScoreOnly));
  for (const std::size_t i : {0u, 1u}) pass.digests[i] = learner.digest(states[i]);
  for (const std::shared_ptr<const FastWeights>& weights : {states[0].weights, std::shared_ptr<const FastWeights>()}) {
    std::vector<float> nats;
    const std::span<const Token> text(streams[1]);
    SILT_TRY(reader.score(weights, text.first(40), text.subspan(40, 150), nats));
    pass.nats.insert(pass.nats.end(), nats.begin(), nats.end());
  }
  return pass;
}

}  // namespace

// The kernels are chosen by the number of lanes: up to 2, 4, 8, and above.
Status check_kernels(const CheckContext& context, CheckRows& rows) {
  const auto tokens = static_cast<std::size_t>(context.model->config().window_tokens) + 3 * kBatch;
  const auto streams = many_streams(context.model->tokenizer(), 9, tokens);
  SILT_ASSIGN(const std::unique_ptr<Learner> learner,
              open(context, "cuda", {.frozen_scores = true, .recall = false}, 16));
  SILT_ASSIGN(const std::unique_ptr<Learner> recalling, open(context, "cuda", {.frozen_scores = true}, 2));
  BackendOptions reading{.name = "cuda", .threads = 2};
  reading.lanes_max = 2;
  SILT_ASSIGN(const std::unique_ptr<Reader> reader, Reader::create(context.model, reading));
  const std::span<const std::vector<Token>> all(streams);
  SILT_ASSIGN(const Pass two, pass_over_all(*learner, *reader, all.first(2)));
  SILT_ASSIGN(const Pass recalled, pass_over_all(*recalling, *reader, all.first(2)));
  int same = 0;
  for (const std::size_t lanes : {3u, 8u, 9u}) {
    SILT_ASSIGN(const Pass pass, pass_over_all(*learner, *reader, all.first(lanes)));
    same += pass == two ? 1 : 0;
  }
  const auto finite = [](const TokenScore& score) {
    return std::isfinite(score.adapted_nats) && std::isfinite(score.frozen_nats);
  };
  const bool all_finite = std::ranges::all_of(two.scores[0], finite) && std::ranges::all_of(recalled.scores[1], finite);
  rows.push_back({"all of it on little, among 3, 8 and 9 lanes: bits of 2", std::to_string(same), "3", same == 3});
  rows.push_back({"all scores finite", all_finite ? "yes" : "no", "yes", all_finite});
  return Status::ok();
}

Status check_agreement(const CheckContext& context, CheckRows& rows) {
  const std::size_t tokens = (context.quick ? 7 : 24) * kBatch;
  const auto streams = five_streams(context.model->tokenizer(), context.logs, tokens);
  const LearnerOptions options{.recall = false};
  SILT_ASSIGN(const std::unique_ptr<Learner> fast, open(context, "cuda", options));
  // The reference takes its time: each stream on a thread of its own.
  const auto read_exactly = [&](const std::vector<Token>& stream) -> Result<std::vector<TokenScore>> {
    std::vector<TokenScore> scores;
    SILT_ASSIGN(const std::unique_ptr<Learner> exact, open(context, "ref", options));
    AdaptedState state = exact->fresh();
    SILT_TRY(exact->append(state, stream, LearnMode::kScoreAndLearn, scores).status());
    return scores;
  };
  std::vector<std::future<Result<std::vector<TokenScore>>>> exact;
  for (const auto& stream : streams) exact.push_back(std::async(std::launch::async, read_exactly, std::cref(stream)));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    AdaptedState b = fast->fresh();
    std::vector<TokenScore> got;
    SILT_ASSIGN(const std::vector<TokenScore> expected, exact[i].get());
    SILT_TRY(fast->append(b, streams[i], LearnMode::kScoreAndLearn, got).status());
    const Difference d = difference(expected, got, &TokenScore::adapted_nats);
    const double bits = 100 * (sum_nats(got) / sum_nats(expected) - 1);
    const std::string name =
        "stream " + std::to_string(i) + ", " + std::to_string(streams[i].size() / kBatch) + " steps: ";
    rows.push_back({name + "mean |difference| of nats", text_of("%.5f", d.mean) + text_of(" (max %.2f)", d.max),
                    "<= 0.01", d.mean <= 0.01});
    rows.push_back({name + "bits", text_of("%+.4f %%", bits), "within 0.2 %", std::abs(bits) <= 0.2});
    for (std::size_t step = 0; step * kBatch < got.size() && d.mean > 0.01; ++step) {
      double mean = 0;
      for (std::size_t t = step * kBatch; t < (step + 1) * kBatch; ++t) {
        mean +=
            std::abs(static_cast<double>(got[t].adapted_nats) - static_cast<double>(expected[t].adapted_nats)) / kBatch;
      }
      std::printf("      step %zu: %.5f\n", step, mean);
    }
  }
  return Status::ok();
}

Status check_gradient(const CheckContext& context, CheckRows& rows) {
  const auto streams = five_streams(context.model->tokenizer(), context.logs, 8 * kBatch);
  const std::span<const Token> all(streams[0]);
  const LearnerOptions options{.recall = false, .crosses = true};
  SILT_ASSIGN(const std::unique_ptr<Learner> exact, open(context, "ref", options));
  SILT_ASSIGN(const std::unique_ptr<Learner> processor, open(context, "cpu", options));
  SILT_ASSIGN(const std::unique_ptr<Learner> fast, open(context, "cuda", options, 4));
  SILT_ASSIGN(const std::vector<float> initial, initial_weights(*context.model));
  const std::size_t count = initial.size(), layers = static_cast<std::size_t>(exact->config().fast_layers);
  const auto compare = [&](const std::string& what, Learner& wanted, AdaptedState& a, std::span<const float> before,
                           AdaptedState& b, std::span<const Token> tokens) -> Status {
    std::vector<TokenScore> scores;
    SILT_ASSIGN(const AppendReport expected, wanted.append(a, tokens, LearnMode::kScoreAndLearn, scores));
    SILT_ASSIGN(const AppendReport got, fast->append(b, tokens, LearnMode::kScoreAndLearn, scores));
    const double norm = 100 * (got.gradient_norm / expected.gradient_norm - 1);
    rows.push_back({what + ": norm of the gradient", text_of("%+.3f %%", norm), "within 2 %", std::abs(norm) <= 2});
    const std::vector<float> w = weights_of(wanted, a, count), v = weights_of(*fast, b, count);
    for (std::size_t i = 0; i < layers; ++i) {
      const auto part = [&](std::span<const float> of) { return of.subspan(i * count / layers, count / layers); };
      const double error = change_error(part(before), part(w), part(before), part(v));
      rows.push_back(
          {what + ": change of fast layer " + std::to_string(i), text_of("%.4f", error), "<= 0.05", error <= 0.05});
    }
    return Status::ok();
  };
  AdaptedState a = exact->fresh(), b = fast->fresh();
  SILT_TRY(compare("first step, against ref", *exact, a, initial, b, all.first(kBatch)));
  std::vector<TokenScore> scores;
  SILT_TRY(fast->append(b, all.subspan(kBatch, 6 * kBatch), LearnMode::kScoreAndLearn, scores).status());
  SILT_ASSIGN(AdaptedState c, processor->load(fast->save(b)));
  const std::vector<float> before = weights_of(*fast, b, count);
  return compare("step 8, window full, against cpu", *processor, c, before, b, all.last(kBatch));
}

Status check_lanes(const CheckContext& context, CheckRows& rows) {
  const int count = 256;
  const std::size_t steps = context.quick ? 3 : 50;
  const auto streams = many_streams(context.model->tokenizer(), count, steps * kBatch + 17);
  const LearnerOptions options{.frozen_scores = true, .recall = false};
  SILT_ASSIGN(const std::unique_ptr<Learner> learner, open(context, "cuda", options));
  struct Run {
    AdaptedState state;
    std::vector<TokenScore> scores;
  };
  std::mt19937 random(5);
  // Reads the streams named by `order`, `at_once` side by side, in cuts of varying length.
  const auto read = [&](std::vector<int> order, std::size_t at_once) -> Result<std::vector<Run>> {
    std::vector<Run> runs(streams.size());
    for (const int i : order) runs[static_cast<std::size_t>(i)].state = learner->fresh();
    std::vector<std::size_t> read_tokens(streams.size());
    for (std::size_t left = order.size(); left > 0;) {
      std::shuffle(order.begin(), order.end(), random);
      std::vector<Lane> lanes;
      for (const int i : order) {
        Run& run = runs[static_cast<std::size_t>(i)];
        const std::span<const Token> all(streams[static_cast<std::size_t>(i)]);
        std::size_t& at = read_tokens[static_cast<std::size_t>(i)];
        if (at == all.size() || lanes.size() == at_once) continue;
        const std::size_t taken = std::min(all.size() - at, at_once == 1 ? all.size() : 1 + random() % (4 * kBatch));
        lanes.push_back(
            {.state = &run.state, .tokens = all.subspan(at, taken), .scores = &run.scores, .report = {}, .status = {}});
        at += taken;
        if (at == all.size()) --left;
      }
      learner->append(lanes);
      for (const Lane& lane : lanes) SILT_TRY(lane.status);
    }
    return runs;
  };
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  SILT_ASSIGN(const std::vector<Run> together, read(all, 256));
  const std::vector<int> some = {0, 1, 77, 128, 255};
  SILT_ASSIGN(const std::vector<Run> alone, read(some, 1));
  SILT_ASSIGN(const std::vector<Run> few, read(some, 3));
  int same = 0;
  for (const int i : some) {
    const auto at = static_cast<std::size_t>(i);
    const bool equal = same_bits(alone[at].scores, together[at].scores) &&
                       same_bits(alone[at].scores, few[at].scores) &&
                       learner->digest(alone[at].state) == learner->digest(together[at].state) &&
                       learner->digest(alone[at].state) == learner->digest(few[at].state);
    same += equal ? 1 : 0;
  }
  rows.push_back({std::to_string(steps) + " steps alone, among 3 and among 256, shuffled: equal bits",
                  std::to_string(same) + " of " + std::to_string(some.size()), "all",
                  same == static_cast<int>(some.size())});
  return Status::ok();
}

Status check_states(const CheckContext& context, CheckRows& rows) {
  const auto streams = five_streams(context.model->tokenizer(), context.logs, 14 * kBatch);
  const LearnerOptions options{.frozen_scores = true, .crosses = true};
  SILT_ASSIGN(const std::unique_ptr<Learner> learner, open(context, "cuda", options, 4));
  SILT_ASSIGN(const std::unique_ptr<Learner> processor, open(context, "cpu", options));
  SILT_ASSIGN(const std::unique_ptr<Learner> strict, open(context, "cpu", {.frozen_scores = true}));
  const std::span<const Token> all(streams[1]);
  for (const std::size_t cut : {std::size_t{40}, 2 * kBatch + 5, 7 * kBatch + 100}) {
    AdaptedState whole = learner->fresh(), first = learner->fresh();
    std::vector<TokenScore> whole_scores, scores;
    SILT_TRY(learner->append(whole, all, LearnMode::kScoreAndLearn, whole_scores).status());
    SILT_TRY(learner->append(first, all.first(cut), LearnMode::kScoreAndLearn, scores).status());
    const std::string blob = learner->save(first);
    SILT_ASSIGN(AdaptedState again, learner->load(blob));
    const bool kept = learner->digest(again) == learner->digest(first);
    SILT_TRY(learner->append(again, all.subspan(cut), LearnMode::kScoreAndLearn, scores).status());
    const bool equal = kept && same_bits(scores, whole_scores) && learner->digest(again) == learner->digest(whole);
    rows.push_back({"saved after " + std::to_string(cut) + " tokens, loaded, read on: bits of one that was not",
                    equal ? "equal" : "differ", "equal", equal});
    rows.push_back({"the same blob at a learner that does not cross", strict->load(blob).is_ok() ? "taken" : "refused",
                    "refused", !strict->load(blob).is_ok()});
    SILT_ASSIGN(AdaptedState moved, processor->load(blob));
    std::vector<TokenScore> moved_scores;
    SILT_TRY(processor->append(moved, all.subspan(cut), LearnMode::kScoreAndLearn, moved_scores).status());
    std::vector<TokenScore> rest(whole_scores.end() - static_cast<std::ptrdiff_t>(moved_scores.size()),
                                 whole_scores.end());
    const Difference d = difference(rest, moved_scores, &TokenScore::adapted_nats);
    rows.push_back({"moved to the processor there: mean |difference| of nats", text_of("%.5f", d.mean), "<= 0.02",
                    d.mean <= 0.02});
    AdaptedState there = processor->fresh();
    SILT_TRY(processor->append(there, all.first(cut), LearnMode::kScoreAndLearn, scores).status());
    SILT_ASSIGN(AdaptedState back, learner->load(processor->save(there)));
    moved_scores.clear();
    SILT_TRY(learner->append(back, all.subspan(cut), LearnMode::kScoreAndLearn, moved_scores).status());
    const Difference e = difference(rest, moved_scores, &TokenScore::adapted_nats);
    rows.push_back(
        {"learned on the processor, moved to the GPU: the same", text_of("%.5f", e.mean), "<= 0.02", e.mean <= 0.02});
  }
  return Status::ok();
}

Status check_scores(const CheckContext& context, CheckRows& rows) {
  const auto streams = five_streams(context.model->tokenizer(), context.logs, 9 * kBatch + 50);
  SILT_ASSIGN(const std::unique_ptr<Learner> learner, open(context, "cuda", {.frozen_scores = true}, 8));
  SILT_ASSIGN(const std::unique_ptr<Learner> processor, open(context, "cpu", {.frozen_scores = true}));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    AdaptedState a = processor->fresh(), b = learner->fresh();
    std::vector<TokenScore> expected, got, tail, full;
    SILT_TRY(processor->append(a, streams[i], LearnMode::kScoreAndLearn, expected).status());
    SILT_TRY(processor->score_tail(a, expected));
    SILT_TRY(learner->append(b, streams[i], LearnMode::kScoreAndLearn, got).status());
    const Digest before = learner->digest(b);
    SILT_TRY(learner->score_tail(b, tail));
    const bool kept = learner->digest(b) == before;
    got.insert(got.end(), tail.begin(), tail.end());
    const std::string name = "stream " + std::to_string(i) + ": ";
    const Difference adapted = difference(expected, got, &TokenScore::adapted_nats);
    const Difference frozen = difference(expected, got, &TokenScore::frozen_nats);
    rows.push_back({name + "with recall, against cpu: mean |difference|", text_of("%.5f", adapted.mean), "<= 0.02",
                    adapted.mean <= 0.02});
    rows.push_back({name + "frozen scores, the same", text_of("%.5f", frozen.mean), "<= 0.02", frozen.mean <= 0.02});
    SILT_TRY(learner->append(b, std::span<const Token>(streams[i]).first(kBatch - 50), LearnMode::kScoreAndLearn, full)
                 .status());
    full.resize(tail.size());
    const bool equal = kept && same_bits(tail, full);
    rows.push_back({name + "open mini-batch: state kept, bits of the full one", equal ? "yes" : "no", "yes", equal});
  }
  return Status::ok();
}

Status check_reader(const CheckContext& context, CheckRows& rows) {
  const auto streams = five_streams(context.model->tokenizer(), context.logs, 9 * kBatch);
  SILT_ASSIGN(const std::unique_ptr<Learner> learner, open(context, "cuda", {.recall = false, .crosses = true}, 4));
  SILT_ASSIGN(const std::unique_ptr<Learner> processor, open(context, "cpu", {.recall = false, .crosses = true}));
  SILT_ASSIGN(const std::unique_ptr<Reader> reader, Reader::create(context.model, {.name = "cuda", .threads = 4}));
  SILT_ASSIGN(const std::unique_ptr<Reader> slow, Reader::create(context.model, {.name = "cpu", .threads = 4}));
  AdaptedState state = learner->fresh();
  std::vector<TokenScore> scores;
  const std::span<const Token> all(streams[2]);
  SILT_TRY(learner->append(state, all.first(4 * kBatch), LearnMode::kScoreAndLearn, scores).status());
  const std::shared_ptr<const FastWeights> snapshot = state.weights;
  SILT_ASSIGN(const AdaptedState copy, processor->load(learner->save(state)));
  const std::span<const Token> text = all.subspan(2 * kBatch, 3 * kBatch);
  std::vector<float> before, after, expected;
  SILT_TRY(reader->score(snapshot, all.first(200), text, before));
  SILT_TRY(learner->append(state, all.subspan(4 * kBatch), LearnMode::kScoreAndLearn, scores).status());
  SILT_TRY(reader->score(snapshot, all.first(200), text, after));
  const bool stands = before == after && state.weights != snapshot;
  rows.push_back(
      {"a snapshot, before and after the source learned on", stands ? "equal bits" : "differ", "equal bits", stands});
  SILT_TRY(slow->score(copy.weights, all.first(200), text, expected));
  double mean = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    mean += std::abs(static_cast<double>(expected[i]) - before[i]) / static_cast<double>(expected.size());
  rows.push_back(
      {"384 tokens after 200, against cpu: mean |difference|", text_of("%.5f", mean), "<= 0.02", mean <= 0.02});
  std::vector<TextLane> texts;
  std::vector<std::vector<float>> nll(20);
  for (std::size_t i = 0; i < nll.size(); ++i) {
    texts.push_back({.weights = i % 2 == 0 ? snapshot : nullptr,
                     .context = all.first(i * 40),
                     .text = all.subspan(i * 30, 20 + i * 9),
                     .nll = &nll[i]});
  }
  SILT_TRY(reader->score(texts));
  int same = 0;
  for (const TextLane& lane : texts) {
    std::vector<float> alone;
    SILT_TRY(reader->score(lane.weights, lane.context, lane.text, alone));
    same += alone == *lane.nll ? 1 : 0;
  }
  rows.push_back({"20 texts together and alone: equal bits", std::to_string(same), "20", same == 20});
  SILT_ASSIGN(const std::vector<Token> one, reader->generate(snapshot, all.first(60), {.tokens_max = 20}));
  SILT_ASSIGN(const std::vector<Token> other, slow->generate(copy.weights, all.first(60), {.tokens_max = 20}));
  rows.push_back(
      {"text generated under the snapshot", one == other ? "that of cpu" : "another", "that of cpu", one == other});
  return Status::ok();
}

Status check_loss(const CheckContext& context, CheckRows& rows) {
  const auto streams = five_streams(context.model->tokenizer(), context.logs, 3 * kBatch + 9);
  SILT_ASSIGN(const std::unique_ptr<Learner> keeper,
              open(context, "cuda", {}, 4));  // of the device's copy of the weights
  int told = 0, calls = 0;
  for (std::uint64_t n = 1;; n += context.quick ? 37 : 1 + n / 4) {
    SILT_ASSIGN(const std::unique_ptr<Learner> learner, open(context, "cuda", {}, 4));
    const std::uint64_t before = cuda::calls_made();
    cuda::fail_at_call(n);
    std::vector<AdaptedState> states;
    std::vector<std::vector<TokenScore>> scores(4);
    std::vector<Lane> lanes;
    for (std::size_t i = 0; i < 4; ++i) states.push_back(learner->fresh());
    for (std::size_t i = 0; i < 4; ++i)
      lanes.push_back({.state = &states[i], .tokens = streams[i], .scores = &scores[i], .report = {}, .status = {}});
    learner->append(lanes);
    std::vector<TokenScore> tail;
    bool ok = std::all_of(lanes.begin(), lanes.end(), [](const Lane& lane) { return lane.status.is_ok(); });
    ok = ok && learner->score_tail(states[0], tail).is_ok();
    ok = ok && !learner->save(states[0]).empty() && learner->health().is_ok();
    const bool all_made = cuda::calls_made() - before < n;
    cuda::fail_at_call(0);
    if (all_made) break;
    ++calls;
    told += !ok && !learner->health().is_ok() ? 1 : 0;
  }
  rows.push_back({"lost at one of these calls of a run: told, and told again",
                  std::to_string(told) + " of " + std::to_string(calls), "all", told == calls});
  return Status::ok();
}

}  // namespace silt::model
