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

Result<SurpriseScorer::Scored> SurpriseScorer::score(const std::shared_ptr<const model::FastWeights>& weights,
                                                     std::string_view context, std::string_view text) {
  if (context.size() > kTextBytes) context.remove_prefix(context.size() - kTextBytes);
  std::vector<model::Token> before;
  Scored scored;
  model_->tokenizer().encode(context, before);
  model_->tokenizer().encode(text.substr(0, kTextBytes), scored.tokens);
  if (before.size() > kContextTokens) before.erase(before.begin(), before.end() - kContextTokens);
  if (scored.tokens.size() > kTextTokens) scored.tokens.resize(kTextTokens);
  if (scored.tokens.empty()) return scored;
  const std::scoped_lock lock(mutex_);
  SILT_TRY(reader_->score(weights, before, scored.tokens, scored.nats));
  return scored;
}

}  // namespace silt::answer
