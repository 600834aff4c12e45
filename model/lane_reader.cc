#include "model/lane_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/lane_states.h"

namespace silt::model {
namespace {

// A text on its way through the engine, a mini-batch at a time.
struct Reading {
  const TextLane* lane = nullptr;
  std::vector<Token> inputs, targets;  // of every input the token behind it; of the last the text's last
  std::size_t first_scored = 0;        // input that predicts text[0]
  std::size_t read = 0;
  std::unique_ptr<HeldWindow> window;  // null while one mini-batch is all
  std::vector<float> nll;
};

class LaneReader final : public Reader {
 public:
  using Reader::score;

  LaneReader(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host, std::unique_ptr<LaneEngine> engine)
      : net_(std::move(net)),
        engine_(std::move(engine)),
        states_(net_, *host, *engine_, /*frozen=*/false, /*recall=*/false),
        host_(Reader::create(net_, std::move(host))) {}

  Status score(std::span<const TextLane> texts) override;
  Status score_on_host(std::span<const TextLane> texts);

  Result<std::vector<Token>> generate(const std::shared_ptr<const FastWeights>& weights, std::span<const Token> prompt,
                                      const GenerateOptions& options) override {
    if (weights == nullptr || weights->held == nullptr) return host_->generate(weights, prompt, options);
    SILT_ASSIGN(const std::shared_ptr<const FastWeights> copy, states_.host_weights(*weights));
    return host_->generate(copy, prompt, options);
  }

 private:
  std::size_t minibatch() const { return static_cast<std::size_t>(net_->config.minibatch_tokens); }
  Status check(std::span<const Token> tokens) const;
  Result<Reading> begin(const TextLane& lane);
  Status read_on(std::span<Reading*> readings);

  std::shared_ptr<const Net> net_;
  std::unique_ptr<LaneEngine> engine_;
  LaneStates states_;
  std::unique_ptr<Reader> host_;
};

Status LaneReader::check(std::span<const Token> tokens) const {
  const auto known = [&](Token token) { return token >= 0 && token < net_->config.vocabulary; };
  if (std::all_of(tokens.begin(), tokens.end(), known)) return Status::ok();
  return invalid_argument("a token is outside the vocabulary of " + std::to_string(net_->config.vocabulary));
}

Result<Reading> LaneReader::begin(const TextLane& lane) {
  Reading reading;
  reading.lane = &lane;
  if (lane.context.empty()) reading.inputs.push_back(net_->start_token);
  reading.inputs.insert(reading.inputs.end(), lane.context.begin(), lane.context.end());
  reading.first_scored = reading.inputs.size() - 1;
  reading.inputs.insert(reading.inputs.end(), lane.text.begin(), lane.text.end() - 1);
  reading.targets.assign(reading.inputs.begin() + 1, reading.inputs.end());
  reading.targets.push_back(lane.text.back());
  reading.nll.resize(reading.inputs.size());
  if (reading.inputs.size() > minibatch()) {
    SILT_ASSIGN(reading.window, engine_->allocate_window());
  }
  return reading;
}

// One more mini-batch of each of these.
Status LaneReader::read_on(std::span<Reading*> readings) {
  std::vector<LaneStep> steps;
  for (Reading* const reading : readings) {
    const std::size_t rows = std::min(minibatch(), reading->inputs.size() - reading->read);
    LaneStep& step = steps.emplace_back();
    if (reading->lane->weights != nullptr) step.weights = reading->lane->weights->held.get();
    step.window = reading->window.get();
    step.advances = reading->window != nullptr && rows == minibatch();
    step.inputs = std::span<const Token>(reading->inputs).subspan(reading->read, rows);
    step.targets = std::span<const Token>(reading->targets).subspan(reading->read, rows);
    step.nll = std::span(reading->nll).subspan(reading->read, rows);
    reading->read += rows;
  }
  SILT_ASSIGN(const LaneEngine::Ticket ticket, engine_->submit(steps));
  return engine_->wait(ticket);
}

Status LaneReader::score_on_host(std::span<const TextLane> texts) {
  std::map<const FastWeights*, std::shared_ptr<const FastWeights>> copies;
  std::vector<TextLane> on_host(texts.begin(), texts.end());
  for (TextLane& text : on_host) {
    if (text.weights == nullptr || text.weights->held == nullptr) continue;
    std::shared_ptr<const FastWeights>& copy = copies[text.weights.get()];
    if (copy == nullptr) {
      SILT_ASSIGN(copy, states_.host_weights(*text.weights));
    }
    text.weights = copy;
  }
  return host_->score(on_host);
}

Status LaneReader::score(std::span<const TextLane> texts) {
  if (net_->config.has_ttt_layers()) return score_on_host(texts);
  std::vector<TextLane> on_host;  // of weights that are in its memory
  std::vector<Reading> readings;
  for (const TextLane& text : texts) {
    SILT_TRY(check(text.context));
    SILT_TRY(check(text.text));
    text.nll->assign(text.text.size(), 0);
    if (text.text.empty()) continue;
    if (text.weights != nullptr && text.weights->held == nullptr && text.weights != net_->initial) {
      on_host.push_back(text);
      continue;
    }
    SILT_ASSIGN(Reading reading, begin(text));
    readings.push_back(std::move(reading));
  }
  std::vector<Reading*> open, group;
  for (Reading& reading : readings) open.push_back(&reading);
  while (!open.empty()) {
    const std::size_t count = std::min(open.size(), static_cast<std::size_t>(engine_->lanes_max()));
    group.assign(open.end() - static_cast<std::ptrdiff_t>(count), open.end());
    open.resize(open.size() - count);
    SILT_TRY(read_on(group));
    for (Reading* const reading : group) {
      if (reading->read < reading->inputs.size()) open.push_back(reading);
    }
  }
  for (const Reading& reading : readings) {
    std::copy(reading.nll.begin() + static_cast<std::ptrdiff_t>(reading.first_scored), reading.nll.end(),
              reading.lane->nll->begin());
  }
  return on_host.empty() ? Status::ok() : host_->score(on_host);
}

}  // namespace

std::unique_ptr<Reader> make_lane_reader(std::shared_ptr<const Net> net, std::unique_ptr<Backend> host,
                                         std::unique_ptr<LaneEngine> engine) {
  return std::make_unique<LaneReader>(std::move(net), std::move(host), std::move(engine));
}

}  // namespace silt::model
