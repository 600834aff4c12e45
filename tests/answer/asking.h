// An asker over lines in memory, for tests of whole answers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "daemon/answer/asker.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer {

inline constexpr std::int64_t kAskedAt = 1'795'273'200'000'000;  // 2026-11-21T15:00:00Z

struct Asked {
  std::vector<silt::v1::Plan> plans;
  std::vector<silt::v1::Citation> evidence;
  silt::v1::AskFinal final;
};

class Asking : public ::testing::Test {
 protected:
  store::SourceRef add(const std::string& name, const std::string& text) { return store_.add(name, text, kAskedAt); }

  Asked ask(const std::string& question, const std::string& conversation = "", const std::vector<std::string>& sources = {}) {
    silt::v1::AskRequest request;
    request.set_question(question);
    request.set_conversation(conversation);
    std::vector<store::SourceInfo> meant;
    for (const std::string& name : sources) request.add_sources(name);
    for (const store::SourceInfo& info : store_.sources()) {
      if (sources.empty() || std::find(sources.begin(), sources.end(), info.name) != sources.end()) meant.push_back(info);
    }
    const access::Caller caller{"test", access::Tenants::all(), access::Rights::all()};
    const std::atomic<bool> never = false;
    Asked got;
    auto final = asker().ask({caller, never}, request, meant, [&](const silt::v1::AskResponse& response) {
      if (response.has_plan()) got.plans.push_back(response.plan());
      if (response.has_evidence()) got.evidence.push_back(response.evidence());
      return true;
    });
    EXPECT_TRUE(final.is_ok()) << final.status().to_string();
    if (final.is_ok()) got.final = std::move(*final);
    return got;
  }

  void help(const Helpers& helpers) {
    helpers_ = helpers;
    asker_.reset();
  }

  LinesStore store_;
  ManualClock clock_{kAskedAt};

 private:
  Helpers helpers_;
  Asker& asker() {
    if (!asker_) asker_ = std::make_unique<Asker>(store_, store_, store_, clock_, helpers_, AskerOptions{60'000'000});
    return *asker_;
  }
  std::unique_ptr<Asker> asker_;
};

}  // namespace silt::answer
