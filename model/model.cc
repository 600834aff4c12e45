#include "model/model.h"

namespace silt::model {

Result<std::shared_ptr<const Model>> Model::open(const std::string& path) {
  auto model = std::shared_ptr<Model>(new Model());
  SILT_ASSIGN(model->weights_, WeightsFile::open(path));
  model->config_ = model->weights_->config();
  if (const Status valid = model->config_.validate(); !valid.is_ok()) return valid.with_context(path);
  SILT_ASSIGN(model->tokenizer_, Tokenizer::load(*model->weights_));
  if (model->tokenizer_->size() > model->config_.vocabulary) {
    return data_loss(path + ": its tokenizer has more tokens than its embedding has rows");
  }
  model->fingerprint_ = model->weights_->fingerprint();
  model->weights_->release();
  return std::shared_ptr<const Model>(std::move(model));
}

Result<std::shared_ptr<const Net>> Model::net(Backend& backend) const {
  const std::lock_guard lock(nets_mutex_);
  std::weak_ptr<const Net>& packed = nets_[std::string(backend.name())];
  if (std::shared_ptr<const Net> net = packed.lock(); net != nullptr) return net;
  Result<std::shared_ptr<Net>> created = Net::create(*weights_, config_, backend);
  const bool same_file = weights_->fingerprint() == fingerprint_;
  weights_->release();
  if (!same_file) {
    return data_loss(weights_->path() + ": it was written over since it was opened; replace it by renaming, and restart");
  }
  if (!created.is_ok()) return created.status().with_context(weights_->path());
  const std::shared_ptr<Net> net = std::move(created).value();
  net->fingerprint = fingerprint_;
  net->start_token = tokenizer_->start_token();
  for (Token token = 0; token < tokenizer_->size(); ++token) {
    net->token_marks[static_cast<std::size_t>(token)] = token_marks(tokenizer_->piece(token));
  }
  packed = net;
  return std::shared_ptr<const Net>(net);
}

}  // namespace silt::model
