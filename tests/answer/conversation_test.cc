// Questions that go on from the last one, by the token of its reply.
#include <algorithm>
#include <memory>

#include "tests/answer/asking.h"

namespace silt::answer {
namespace {

class Conversation : public Asking {
 protected:
  void SetUp() override {
    std::string log;
    for (const char* day : {"20", "21"}) {
      for (int i = 0; i < (day[1] == '0' ? 4 : 6); ++i) {
        const std::string host = i % 3 == 0 ? "db3" : i % 3 == 1 ? "db1" : "web7";
        log += "2026-11-" + std::string(day) + "T09:0" + std::to_string(i) + ":00Z " + host + " backup[9]: backup failed: disk full\n";
        log += "2026-11-" + std::string(day) + "T10:0" + std::to_string(i) + ":00Z " + host + " backup[9]: backup finished\n";
      }
    }
    add("backup.log", log);
    add("door.log", "2026-11-21T08:00:00Z door opened\n2026-11-21T08:01:00Z door shut\n2026-11-21T08:02:00Z door opened\n");
  }
  std::string go_on(const std::string& question) {
    Asked got = ask(question, token_);
    EXPECT_FALSE(got.final.conversation_lost());
    token_ = got.final.conversation();
    EXPECT_FALSE(token_.empty());
    plan_ = got.plans.back().text();
    return got.final.answer();
  }
  std::string token_, plan_;
};

TEST_F(Conversation, KeepsWhatAFollowUpDoesNotChange) {
  EXPECT_EQ(go_on("how many backups failed today?").substr(0, 2), "6 ");
  const std::string first = token_;
  EXPECT_EQ(go_on("and yesterday?").substr(0, 2), "4 ") << plan_;
  EXPECT_EQ(token_, first);
  EXPECT_EQ(go_on("only from db3").substr(0, 2), "2 ") << plan_;
  go_on("how many backups failed today?");
  const std::string hosts = go_on("which hosts?");
  for (const char* host : {"db3", "db1", "web7"}) EXPECT_NE(hosts.find(host), std::string::npos) << hosts;
  EXPECT_NE(plan_.find("fail"), std::string::npos) << plan_;
}

TEST_F(Conversation, OfAnUnknownTokenSaysSoAndReadsTheQuestionAlone) {
  const Asked got = ask("how many backups failed today?", "no-such-token");
  EXPECT_TRUE(got.final.conversation_lost());
  EXPECT_EQ(got.final.answer().substr(0, 2), "6 ");
  EXPECT_NE(got.final.conversation(), "no-such-token");
}

}  // namespace
}  // namespace silt::answer
