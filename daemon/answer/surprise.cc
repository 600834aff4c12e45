#include "daemon/answer/surprise.h"

#include <numeric>

namespace silt::answer {
namespace {

constexpr std::size_t kContextTokens = 256;
constexpr std::size_t kTextTokens = 256;
constexpr std::size_t kTextBytes = 4096;  // more is not even tokenized

}  // namespace

double SurpriseScorer::Scored::total() const {
  return std::accumulate(nats.begin(), nats.end(), 0.0);
}

Result<std::unique_ptr<SurpriseScorer>> SurpriseScorer::create(std::shared_ptr<const model::Model> model,
                                                               const model::BackendOptions& backend) {
  auto scorer = std::make_unique<SurpriseScorer>();
  SILT_ASSIGN(scorer->reader_, model::Reader::create(model, backend));
  scorer->model_ = std::move(model);
  return scorer;
}

Result<std::vector<SurpriseScorer::Scored>> SurpriseScorer::score(std::span<const Text> texts) {
  std::vector<Scored> scored(texts.size());
  std::vector<std::vector<model::Token>> contexts(texts.size());
  std::vector<model::TextLane> lanes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string_view context = texts[i].context;
    if (context.size() > kTextBytes) context.remove_prefix(context.size() - kTextBytes);
    std::vector<model::Token>& before = contexts[i];
    model_->tokenizer().encode(context, before);
    model_->tokenizer().encode(texts[i].text.substr(0, kTextBytes), scored[i].tokens);
    if (before.size() > kContextTokens) before.erase(before.begin(), before.end() - kContextTokens);
    if (scored[i].tokens.size() > kTextTokens) scored[i].tokens.resize(kTextTokens);
    lanes.push_back(
        {.weights = texts[i].weights, .context = before, .text = scored[i].tokens, .nll = &scored[i].nats});
  }
  const std::scoped_lock lock(mutex_);
  SILT_TRY(reader_->score(lanes));
  return scored;
}

}  // namespace silt::answer
