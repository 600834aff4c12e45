// Runs a test on every backend of this machine, for nets that learn all of their fast SwiGLUs and for
// nets that learn down alone.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/backends/backends.h"
#include "model/learner.h"
#include "model/reader.h"
#include "tests/model/random_net.h"

namespace silt::model {

inline bool operator==(const TokenScore& a, const TokenScore& b) {
  return a.adapted_nats == b.adapted_nats && a.frozen_nats == b.frozen_nats;
}

struct Engine {
  std::string backend;
  FastLearns learns;
};

inline std::ostream& operator<<(std::ostream& out, const Engine& engine) {
  return out << engine.backend << (engine.learns == FastLearns::kDown ? "-down" : "");
}

inline std::vector<Engine> engines() {
  std::vector<Engine> all;
  for (const std::string& backend : available_backends()) {
    for (const FastLearns learns : {FastLearns::kGateUpDown, FastLearns::kDown})
      all.push_back({backend, learns});
  }
  return all;
}

class EachBackend : public testing::TestWithParam<Engine> {
 protected:
  EachBackend() { config_.fast_learns = GetParam().learns; }

  std::unique_ptr<Backend> open(int threads = 1) const {
    Result<std::unique_ptr<Backend>> backend =
        open_backend({.name = GetParam().backend, .threads = threads}, config_);
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

// Of a backend or an engine.
template <class Param>
std::string backend_test_name(const testing::TestParamInfo<Param>& info) {
  std::ostringstream out;
  out << info.param;
  std::string name = out.str();
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

}  // namespace silt::model

#define SILT_TEST_EACH_BACKEND(Suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(Backends, Suite, testing::ValuesIn(::silt::model::engines()), \
                           ::silt::model::backend_test_name<::silt::model::Engine>)
