// Model: an opened weight file, its configuration and its tokenizer. Immutable and shared between
// threads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/digest.h"
#include "base/status.h"
#include "model/net.h"
#include "model/ops/backend.h"
#include "model/ops/config.h"
#include "model/tokenizer.h"
#include "model/weights_file.h"

namespace silt::model {

class Model {
 public:
  // Opens and checks a weight file. The message of a failure names the file, what is wrong with it
  // and what to do.
  static Result<std::shared_ptr<const Model>> open(const std::string& path);

  const ModelConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const WeightsFile& weights() const { return *weights_; }
  // Of the file's header and data: two models with equal fingerprints compute the same function.
  const Digest& fingerprint() const { return fingerprint_; }

  // The weights packed for the backend's path: packed once and shared as long as anybody holds them.
  Result<std::shared_ptr<const Net>> net(Backend& backend) const;

 private:
  Model() = default;
  ModelConfig config_;
  std::unique_ptr<WeightsFile> weights_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Digest fingerprint_;
  mutable std::mutex nets_mutex_;
  mutable std::map<std::string, std::weak_ptr<const Net>> nets_;  // by backend name
};

}  // namespace silt::model
