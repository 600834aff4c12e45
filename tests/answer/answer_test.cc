#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/citations.h"
#include "daemon/answer/plan.h"
#include "tests/answer/corpus.h"

namespace silt::answer {
namespace {

const std::vector<std::string> kAuth = {
    "2026-11-21T08:00:01Z web1 sshd[411]: Failed password for root from 10.0.0.7 port 4101 ssh2",
    "2026-11-21T08:00:05Z web1 sshd[411]: Failed password for root from 10.0.0.7 port 4102 ssh2",
    "2026-11-21T08:30:00Z web1 sshd[412]: Accepted publickey for alice from 10.0.0.9 port 5000 ssh2",
    "2026-11-21T09:10:00Z web1 sshd[413]: Failed password for bob from 10.0.0.8 port 4103 ssh2",
    "2026-11-21T09:20:00Z web1 sshd[414]: Failed password for root from 10.0.0.7 port 4104 ssh2",
    "2026-11-21T09:30:00Z web1 sshd[415]: Invalid user oracle from 10.0.0.66",
    "2026-11-21T10:00:00Z web1 backup[77]: job 8842 finished with exit code 3 after 12.5s",
    "2026-11-21T10:05:00Z web1 kernel: disk sda1 is full",
    "2026-11-21T10:06:00Z web1 nginx[90]: worker process 91 exited on signal 11",
    "2026-11-21T10:07:00Z web1 nginx[90]: start worker process 92",
};
const std::vector<std::string> kStore = {
    "2026-11-20 23:00:00 INFO store: Receiving block blk_-77001 src: /10.1.1.1:50010",
    "2026-11-21 09:00:00 INFO store: Received block blk_-77001 of size 91178 from /10.1.1.2",
    "2026-11-21 09:00:01 INFO store: Received block blk_-77002 of size 67108 from /10.1.1.3",
    "2026-11-21 09:00:02 INFO store: allocateBlock: /user/data/part-00007. blk_-77002",
    "2026-11-21 09:00:03 INFO store: Verification succeeded for blk_-77001",
};

// Answers do not depend on the model's wits here: lexical order.
class AnswerTest : public ::testing::Test {
 protected:
  AnswerTest() {
    corpus_.add("host:/var/log/auth.log", kAuth);
    corpus_.add("host:/var/log/store.log", kStore);
    corpus_.add("host:/var/log/secret.log", {"2026-11-21T09:00:00Z vault: zanzibar opened by mallory"},
                Corpus::kStart, "other");
    AnswerOptions options;
    options.rerank = false;
    answerer_ = corpus_.answerer(options);
  }
  Asked asked(const std::string& question) { return ask(*answerer_, question); }
  Result<silt::v1::ExplainResponse> explain_for(const silt::v1::ExplainRequest& request) {
    const std::atomic<bool> never{false};
    return answerer_->explain({caller_, never}, request);
  }

  const access::Caller caller_ = everyone();
  Corpus corpus_;
  std::unique_ptr<Answerer> answerer_;
};

TEST_F(AnswerTest, LooksUpValuesAndCitesTheirLine) {
  const struct {
    const char *question, *answer;
    Seq seq;
  } cases[] = {
      {"What is the size in bytes of block blk_-77001?", "91178 [1]", 2},
      {"From which IP address was block blk_-77002 received?", "10.1.1.3 [1]", 3},
      {"Which file was block blk_-77002 allocated for?", "/user/data/part-00007 [1]", 4},
      {"From which IP address did the invalid user \"oracle\" try to log in?", "10.0.0.66 [1]", 6},
      {"What port did the user bob use?", "4103 [1]", 4},
      {"What is the exit code of job 8842?", "3 [1]", 7},
      {"What succeeded for blk_-77001?", "Verification [1]", 5},
      {"How long did job 8842 take?", "12.5s [1]", 7},
      {"When did the disk get full?", "2026-11-21T10:05:00Z [1]", 8},
      {"What did bob fail to provide?", "password [1]", 4},
  };
  for (const auto& expected : cases) {
    const Asked got = asked(expected.question);
    ASSERT_TRUE(got.status.is_ok()) << got.status.to_string();
    EXPECT_EQ(got.text, expected.answer) << expected.question << "\n" << got.plan.text();
    ASSERT_FALSE(got.evidence.empty()) << expected.question;
    EXPECT_EQ(got.evidence[0].seq(), expected.seq) << expected.question;
    EXPECT_FALSE(got.final.abstained());
  }
}

TEST_F(AnswerTest, SpansHoldTheValue) {
  const Asked got = asked("What is the size in bytes of block blk_-77001?");
  const auto& citation = got.evidence.at(0);
  EXPECT_EQ(citation.text().substr(citation.span_begin(), citation.span_end() - citation.span_begin()),
            "91178");
  EXPECT_EQ(citation.text(), kStore[1]);
  EXPECT_EQ(citation.path(), "/logs/host:/var/log/store.log");
  EXPECT_EQ(citation.offset(), kStore[0].size() + 1);
  EXPECT_EQ(format_time(time_us_of(citation.time())), "2026-11-21T09:00:00Z");
}

TEST_F(AnswerTest, BestRecordsComeFirst) {
  for (const char* question :
       {"exit of the backup job", "failed password for root", "worker process exited on signal"}) {
    const Asked got = asked(question);
    ASSERT_GT(got.evidence.size(), 1u) << question;
    for (std::size_t i = 1; i < got.evidence.size(); ++i) {
      EXPECT_GE(got.evidence[i - 1].score(), got.evidence[i].score()) << question;
    }
  }
  EXPECT_EQ(asked("exit of the backup job").evidence.at(0).seq(), 7u);
  EXPECT_EQ(asked("failed password for root").evidence.at(0).seq(), 5u);  // of equal ones the newest
  EXPECT_EQ(asked("worker process exited on signal").evidence.at(0).seq(), 9u);
}

TEST_F(AnswerTest, CountsAndRanks) {
  EXPECT_TRUE(asked("How many failed password lines came from 10.0.0.7?").text.starts_with("3 records [1]"));
  EXPECT_TRUE(asked("How many failed passwords since 09:00?").text.starts_with("2 records"));
  EXPECT_EQ(asked("Which IP address caused the most failed password attempts?").text,
            "10.0.0.7 (3) [1] and 1 more");
  const Asked users = asked("top users by failed password");
  EXPECT_EQ(users.text, "root (3) [1], bob (1) [2]");
  EXPECT_EQ(users.plan.kind(), "top");
  EXPECT_EQ(asked("failed password per hour").text, "2026-11-21T08:00Z (2) [1], 2026-11-21T09:00Z (2) [2]");
  EXPECT_TRUE(asked("How many different users failed?")
                  .text.starts_with("2 user values in 4 records: root (3) [1], bob (1) [2]"))
      << asked("How many different users failed?").text;
}

TEST_F(AnswerTest, FirstLastAndBetween) {
  EXPECT_EQ(asked("When was the first failed password?").evidence.at(0).seq(), 1u);
  EXPECT_EQ(asked("last failed password from 10.0.0.7").evidence.at(0).seq(), 5u);
  EXPECT_EQ(asked("first failed password after 09:00").evidence.at(0).seq(), 4u);
  const Asked between = asked("How long between \"Accepted publickey\" and \"disk\"?");
  EXPECT_TRUE(between.text.starts_with("95.0 min and 4 records lie between [1] and [2]")) << between.text;
  EXPECT_EQ(between.evidence.at(0).seq(), 3u);
  EXPECT_EQ(between.evidence.at(1).seq(), 8u);
}

TEST_F(AnswerTest, SynonymsAndSlipsAreToldNotHidden) {
  const Asked got = asked("How many failed logins?");
  EXPECT_TRUE(got.text.starts_with("4 records")) << got.text;
  EXPECT_NE(got.text.find("no record says \"login\"; read as: password"), std::string::npos) << got.text;
  EXPECT_TRUE(asked("Hwo many faild pasword lines?").text.starts_with("4 records"));
}

TEST_F(AnswerTest, AbstainsWhenNothingFits) {
  const Asked absent = asked("What is the size in bytes of block blk_-99999?");
  EXPECT_TRUE(absent.final.abstained());
  EXPECT_TRUE(absent.evidence.empty());
  EXPECT_EQ(absent.text, "I found nothing about \"blk_-99999\" in 15 records of 2 sources.");
  const Asked two = asked("How many kernel panics?");
  EXPECT_TRUE(two.final.abstained());
  EXPECT_NE(two.text.find("\"kernel\" in 1, \"panic\" in none"), std::string::npos) << two.text;
  EXPECT_TRUE(asked("What colour has the giraffe of the emperor?").final.abstained());
}

TEST_F(AnswerTest, RequestTimesWinOverTheQuestion) {
  silt::v1::AskRequest request;
  request.set_question("How many failed passwords since 09:00?");
  set_time(civil_us(2026, 11, 21, 8), *request.mutable_since());
  set_time(civil_us(2026, 11, 21, 8, 0, 2), *request.mutable_until());
  EXPECT_TRUE(ask(*answerer_, request).text.starts_with("1 record [1]"));
  request.set_question("failed password yesterday");
  request.clear_since();
  request.clear_until();
  EXPECT_TRUE(ask(*answerer_, request).final.abstained());
}

TEST_F(AnswerTest, SourcesAreNamesGlobsOrPartOfTheQuestion) {
  silt::v1::AskRequest request;
  request.set_question("How many lines mention 10.1.1.2?");
  request.add_sources("*/auth.log");
  EXPECT_TRUE(ask(*answerer_, request).final.abstained());
  request.set_sources(0, "*store*");
  EXPECT_TRUE(ask(*answerer_, request).text.starts_with("1 record"));
  const Asked named = asked("How many lines in store.log?");
  EXPECT_TRUE(named.text.starts_with("5 records")) << named.text;
  ASSERT_EQ(named.final.versions_size(), 1);
  EXPECT_EQ(named.final.versions(0).source(), "host:/var/log/store.log");
  EXPECT_EQ(named.final.versions(0).learned_seq(), 5u);
}

// A source of another tenant is absent, in the same words as one that nobody has.
TEST_F(AnswerTest, TenantsAreApart) {
  EXPECT_TRUE(asked("What did zanzibar do?").final.abstained());
  silt::v1::AskRequest request;
  request.set_question("zanzibar");
  const auto message_for = [&](const std::string& source) {
    request.clear_sources();
    request.add_sources(source);
    const Asked got = ask(*answerer_, request);
    EXPECT_EQ(got.status.code(), Code::kNotFound);
    std::string message = got.status.message();
    message.replace(message.find(source), source.size(), "X");
    return message;
  };
  EXPECT_EQ(message_for("host:/var/log/secret.log"), message_for("host:/var/log/absent.log"));
  silt::v1::ExplainRequest explain;
  explain.set_source("host:/var/log/secret.log");
  explain.set_seq(1);
  EXPECT_EQ(explain_for(explain).status().code(), Code::kNotFound);
  request.clear_sources();
  request.set_tenant("other");
  EXPECT_TRUE(ask(*answerer_, request).text.find("mallory") != std::string::npos);
}

// Names are bytes: a reply must be one that can be sent, and name the source as it is asked for.
TEST_F(AnswerTest, ANameThatIsNoTextIsAnsweredAndExplained) {
  const std::string name = "host:/var/log/bad\xff\xfe.log", printed = "host:/var/log/bad\\xff\\xfe.log";
  corpus_.add(name, {"2026-11-21T09:00:00Z gate: quokka \xff refused"});
  silt::v1::AskRequest request;
  request.set_question("How many lines mention quokka?");
  request.add_sources(printed);
  const Asked got = ask(*answerer_, request);
  ASSERT_TRUE(got.status.is_ok()) << got.status.to_string();
  EXPECT_EQ(got.plan.sources(0), printed);
  ASSERT_EQ(got.final.versions_size(), 1);
  EXPECT_EQ(got.final.versions(0).source(), printed);
  ASSERT_EQ(got.evidence.size(), 1u);
  EXPECT_EQ(got.evidence[0].source(), printed);
  EXPECT_TRUE(is_utf8(got.final.answer()) && is_utf8(got.evidence[0].path()));
  silt::v1::ExplainRequest explain;
  explain.set_source(printed);
  explain.set_seq(1);
  const auto explained = explain_for(explain);
  ASSERT_TRUE(explained.is_ok()) << explained.status().to_string();
  EXPECT_TRUE(is_utf8(explained->pattern()) && is_utf8(explained->text()));
  EXPECT_EQ(explained->record().source(), printed);
}

TEST_F(AnswerTest, SameQuestionSameBytes) {
  for (const char* question : {"Which users failed?", "What happened?", "failed password", "top 3 patterns",
                               "compare today with yesterday"}) {
    Asked first = asked(question), second = asked(question);
    first.final.clear_elapsed_ms();
    second.final.clear_elapsed_ms();
    EXPECT_EQ(first.final.SerializeAsString(), second.final.SerializeAsString()) << question;
    ASSERT_EQ(first.evidence.size(), second.evidence.size());
    for (std::size_t i = 0; i < first.evidence.size(); ++i) {
      EXPECT_EQ(first.evidence[i].SerializeAsString(), second.evidence[i].SerializeAsString()) << question;
    }
  }
}

TEST_F(AnswerTest, EmitsPlanEvidenceTextAndOneFinal) {
  silt::v1::AskRequest request;
  request.set_question("failed password");
  request.set_evidence_max(2);
  std::string order;
  const std::atomic<bool> never{false};
  ASSERT_TRUE(answerer_
                  ->ask({caller_, never}, request,
                        [&](const silt::v1::AskResponse& response) {
                          order += "?petf"[response.event_case()];
                          return true;
                        })
                  .is_ok());
  EXPECT_EQ(order, "peetf");
}

TEST_F(AnswerTest, EndsWhenCancelledOrNobodyListens) {
  silt::v1::AskRequest request;
  request.set_question("Which users failed?");
  const std::atomic<bool> cancelled{true};
  int emitted = 0;
  const auto listen = [&](const silt::v1::AskResponse&) { return ++emitted, true; };
  EXPECT_EQ(answerer_->ask({caller_, cancelled}, request, listen).code(), Code::kCancelled);
  EXPECT_EQ(emitted, 0);
  const std::atomic<bool> never{false};
  EXPECT_EQ(answerer_->ask({caller_, never}, request, [](const auto&) { return false; }).code(),
            Code::kCancelled);
}

TEST_F(AnswerTest, LimitsAreToldAsTruncation) {
  AnswerOptions options;
  options.rerank = false;
  options.examined_max = 3;
  const auto small = corpus_.answerer(options);
  const Asked got = ask(*small, "How many lines mention sshd?");
  EXPECT_TRUE(got.final.truncated());
  EXPECT_LE(got.final.records_examined(), 3u);
  EXPECT_FALSE(asked("How many lines mention sshd?").final.truncated());
}

TEST_F(AnswerTest, BadRequestsNameTheRemedy) {
  EXPECT_EQ(asked("").status.code(), Code::kInvalidArgument);
  EXPECT_EQ(asked(std::string(5000, 'x')).status.code(), Code::kInvalidArgument);
  silt::v1::ExplainRequest explain;
  EXPECT_EQ(explain_for(explain).status().code(), Code::kInvalidArgument);
  explain.set_source("host:/var/log/auth.log");
  EXPECT_EQ(explain_for(explain).status().code(), Code::kInvalidArgument);
  explain.set_seq(999);
  EXPECT_EQ(explain_for(explain).status().code(), Code::kNotFound);
}

TEST_F(AnswerTest, ExplainsRecordsAndLines) {
  silt::v1::ExplainRequest request;
  request.set_source("host:/var/log/auth.log");
  request.set_seq(5);
  const auto record = explain_for(request);
  ASSERT_TRUE(record.is_ok()) << record.status().to_string();
  EXPECT_EQ(record->record().text(), kAuth[4]);
  EXPECT_EQ(record->pattern_count(), 4u);
  std::string line;
  for (const auto& token : record->tokens()) line += token.text();
  EXPECT_EQ(line, kAuth[4] + "\n");
  ASSERT_GT(record->similar_size(), 0);
  for (const auto& similar : record->similar()) EXPECT_LT(similar.seq(), 5u);
  EXPECT_EQ(record->similar(0).text(), kAuth[1]);
  request.set_line("2026-11-21T11:00:00Z web1 sshd[500]: Failed password for root from 10.0.0.7 port 9 ssh2");
  const auto by_line = explain_for(request);
  ASSERT_TRUE(by_line.is_ok());
  EXPECT_EQ(by_line->pattern(), record->pattern());
  EXPECT_GT(by_line->frozen_bits_per_byte(), 0);
  EXPECT_TRUE(asked("explain record 5 in auth.log").text.starts_with("Its pattern has 4 records"))
      << asked("explain record 5 in auth.log").text;
}

// The model may reorder candidates; it must not lose or invent any.
TEST_F(AnswerTest, RerankingIsAPermutation) {
  AnswerOptions options;
  options.rerank_forward = 5;
  options.rerank_backward = 5;
  const auto reranking = corpus_.answerer(options);
  silt::v1::AskRequest request;
  request.set_question("what about sshd worker backup disk");
  request.set_evidence_max(50);
  const auto seqs = [&](Answerer& answerer) {
    std::vector<std::pair<std::string, Seq>> out;
    for (const auto& citation : ask(answerer, request).evidence)
      out.emplace_back(citation.source(), citation.seq());
    return out;
  };
  auto plain = seqs(*answerer_), ranked = seqs(*reranking);
  EXPECT_NE(plain, ranked);
  std::sort(plain.begin(), plain.end());
  std::sort(ranked.begin(), ranked.end());
  EXPECT_EQ(plain, ranked);
  EXPECT_GE(plain.size(), 8u);
}

}  // namespace
}  // namespace silt::answer
