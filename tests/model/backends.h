// Runs a test on every backend of this machine.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/check.h"
#include "model/learner.h"
#include "model/reader.h"
#include "tests/model/random_net.h"

namespace silt::model {

inline bool operator==(const TokenScore& a, const TokenScore& b) {
  return a.adapted_nats == b.adapted_nats && a.frozen_nats == b.frozen_nats;
}

class EachBackend : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Backend> open(int threads = 1) const {
    Result<std::unique_ptr<Backend>> backend =
        open_backend({.name = GetParam(), .threads = threads}, config_);
    SILT_CHECK(backend.is_ok());
    return std::move(backend).value();
  }
  std::unique_ptr<Learner> learner(const LearnerOptions& options = {}, int threads = 1,
                                   unsigned seed = 1) const {
    std::unique_ptr<Backend> backend = open(threads);
    const std::shared_ptr<const Net> net = random_net(config_, *backend, seed);
    return Learner::create(net, std::move(backend), options);
  }

  ModelConfig config_ = even_config();
};

inline std::string backend_test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

}  // namespace silt::model

#define SILT_TEST_EACH_BACKEND(Suite)                                                               \
  INSTANTIATE_TEST_SUITE_P(Backends, Suite, testing::ValuesIn(::silt::model::available_backends()), \
                           ::silt::model::backend_test_name)
