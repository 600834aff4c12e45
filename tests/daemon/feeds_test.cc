// What is pushed by callers: cut into records, durable before it is answered, once.
#include "daemon/intake/feeds.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/connectors/journal_of.h"

namespace silt::intake {
namespace {

class FeedsTest : public ::testing::Test {
 protected:
  FeedsTest() : input(feeds.open({.name = "pipe", .tenant = "acme", .rules = connectors::RecordRules::usual()})) {
    journal.resume(*input);
  }

  // Feeds while another thread stores what comes.
  Result<Fed> feed(const FedLines& lines, std::string_view tenant = "acme") {
    std::atomic<bool> done{false};
    std::thread intake([&] {
      while (!done) {
        if (!journal.take(*input)) std::this_thread::yield();
      }
    });
    const auto fed = feeds.feed(tenant, lines, [] { return true; });
    done = true;
    intake.join();
    return fed;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& each : journal.records) out.push_back(each.text);
    return out;
  }

  Feeds feeds;
  std::unique_ptr<connectors::Connector> input;
  connectors::Journal journal;
};

TEST_F(FeedsTest, TakesWholeRecordsAndLeavesWhatMayGoOn) {
  const std::string text = "ERROR one\nERROR two\n  at a.b(c.java:1)\nERROR thr";
  const auto fed = feed({.source = "pipe", .text = text, .place = "here", .begin = 100});
  ASSERT_TRUE(fed.is_ok()) << fed.status().to_string();
  EXPECT_EQ(fed->bytes, 10u);
  EXPECT_EQ(texts(), std::vector<std::string>{"ERROR one"});
  const auto rest = feed({.source = "pipe", .text = std::string_view(text).substr(10), .all = true, .place = "here", .begin = 110});
  ASSERT_TRUE(rest.is_ok());
  EXPECT_EQ(rest->records, 2u);
  EXPECT_EQ(texts(), (std::vector<std::string>{"ERROR one", "ERROR two\n  at a.b(c.java:1)", "ERROR thr"}));
  EXPECT_EQ(journal.records[1].place, "here");
  EXPECT_FALSE(journal.records[1].attributes.contains("modified"));
}

TEST_F(FeedsTest, StoresAnIdOnceAndAnswersAlike) {
  for (int i = 0; i < 2; ++i) {
    const auto fed = feed({.source = "pipe:web", .id = "7", .text = "one\ntwo\n", .all = true, .modified_us = 1'600'000'000'000'000});
    ASSERT_TRUE(fed.is_ok());
    EXPECT_EQ(fed->bytes, 8u);
  }
  EXPECT_EQ(texts(), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(journal.records[0].attributes.at("modified").starts_with("2020-09-13T12:26:40"));
}

TEST_F(FeedsTest, SaysHowManyRecordsWereTooLong) {
  const auto fed = feed({.source = "pipe", .text = "short\n" + std::string(70'000, 'x') + "\nlast\n", .all = true});
  ASSERT_TRUE(fed.is_ok());
  EXPECT_EQ(fed->records, 3u);
  EXPECT_EQ(fed->records_cut, 1u);
  EXPECT_EQ(journal.records[1].text.size(), 65'536u);
}

TEST_F(FeedsTest, IsNoBusinessOfAnotherTenant) {
  const auto other = feed({.source = "pipe", .text = "x\n", .all = true}, "evil");
  const auto none = feed({.source = "nope", .text = "x\n", .all = true});
  EXPECT_EQ(other.status().code(), Code::kNotFound);
  EXPECT_EQ(none.status().code(), Code::kNotFound);
  EXPECT_NE(none.status().message().find("type = \"feed\""), std::string::npos);
}

TEST_F(FeedsTest, WhoWaitsIsToldWhenTheInputEnds) {
  std::thread caller([&] {
    const auto fed = feeds.feed("acme", {.source = "pipe", .text = "x\n", .all = true}, [] { return true; });
    EXPECT_EQ(fed.status().code(), Code::kUnavailable);
  });
  connectors::Batch batch;
  while (batch.records == 0) ASSERT_TRUE(input->poll({}, batch).is_ok());
  auto next = feeds.open({.name = "pipe", .tenant = "acme", .rules = nullptr});  // the configuration was read again
  input = std::move(next);
  caller.join();
  journal.resume(*input);
  EXPECT_TRUE(feed({.source = "pipe", .text = "x\n", .all = true}).is_ok()) << "the new one is there though the old one went";
}

TEST_F(FeedsTest, AnswersNobodyBeforeItIsDurable) {
  int asked = 0;
  const auto fed = feeds.feed("acme", {.source = "pipe", .text = "x\n", .all = true}, [&] { return ++asked < 2; });
  EXPECT_EQ(fed.status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace silt::intake
