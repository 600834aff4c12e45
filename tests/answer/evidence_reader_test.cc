// Answers from evidence: what the grammar lets a reader write, and what becomes of it.
#include "daemon/answer/evidence_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "daemon/answer/prompt.h"
#include "tests/answer/corpus.h"
#include "tests/model/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace silt::answer {
namespace {

const std::atomic<bool> kNever{false};
const std::vector<std::string> kLines = {"job-17 done rc=3 host=nod02", "job-18 [none] rc=31, host=nod02",
                                         "job-17 done again rc=3 a b"};

bool accepts(std::string_view answer) {
  const EvidenceGrammar grammar(kLines);
  EvidenceGrammar::State state;
  return grammar.step(state, answer) && grammar.step(state, '\n');
}

TEST(EvidenceGrammar, ValuesAreWholeWordsOfTheLinesThatAreCited) {
  for (const char* answer : {"none", "3 [1]", "3 [1] [3]", "3 [3]", "nod02 [1] [2], 31 [2]", "job-17 [1]",
                             "done again [3]", "rc=3 a b [3]", "none [2]", "31, host [2]", "a [3], b [3]"}) {
    EXPECT_EQ(accepts(answer), std::string_view(answer) != "31, host [2]") << answer;
  }
  for (const char* answer :
       {"",       "3",           "3 [2]",        "3 [3] [1]", "3 [1] [1]", "3 [4]",         "3 [0]",
        "3 [01]", "1 [2]",       "host=nod [1]", "job-1 [1]", "nope [1]",  "none [1]",      "none, 3 [1]",
        "3 [1],", "3 [1], none", " [1]",         "3[1]",      "3  [1]",    "[none] [2] [1]"}) {
    EXPECT_FALSE(accepts(answer)) << answer;
  }
}

TEST(EvidenceGrammar, EveryWalkComesToAnEndThatParses) {
  std::mt19937 random(3);
  static constexpr std::string_view kPieces[] = {"a",         "none", " ", "[1]", ", ", "x=12",    "\t",
                                                 "f\xc3\xbc", "\xff", "[", "]",   ",",  "\xc2\xbf"};
  for (int walk = 0; walk < 2000; ++walk) {
    std::vector<std::string> lines(1 + random() % 4);
    for (std::string& line : lines) {
      for (std::size_t n = random() % 8; n > 0; --n) line += kPieces[random() % std::size(kPieces)];
    }
    const EvidenceGrammar grammar(lines);
    EvidenceGrammar::State state;
    std::string text;
    while (state.at != EvidenceGrammar::State::At::kDone) {
      std::string allowed;
      for (int byte = 0; byte < 256; ++byte) {
        EvidenceGrammar::State next = state;
        if (grammar.step(next, static_cast<char>(byte))) allowed += static_cast<char>(byte);
      }
      ASSERT_FALSE(allowed.empty()) << "stuck behind '" << text << "'";
      const char byte =
          text.size() > 60 && allowed.find('\n') != allowed.npos ? '\n' : allowed[random() % allowed.size()];
      ASSERT_TRUE(grammar.step(state, byte));
      text += byte;
      ASSERT_LT(text.size(), 500u);
    }
    text.pop_back();
    const auto values = parse_evidence_answer(text);
    EXPECT_EQ(values.empty(), text == kNoAnswer) << text;
    for (const EvidenceValue& value : values) {
      EXPECT_FALSE(value.lines.empty());
      for (const std::size_t line : value.lines) {
        ASSERT_LT(line, lines.size());
        EXPECT_NE(lines[line].find(value.text), std::string::npos) << text;
      }
    }
  }
}

TEST(EvidenceAnswer, IsRead) {
  EXPECT_EQ(parse_evidence_answer("a b [1] [3], c [12]"),
            (std::vector<EvidenceValue>{{"a b", {0, 2}}, {"c", {11}}}));
  for (const char* text : {"", "none", "a", "a [x]", "a [0]", "a [1", "a [1],", "a [1] b", " [1]"})
    EXPECT_TRUE(parse_evidence_answer(text).empty()) << text;
}

TEST(Prompt, ShowsLinesAsTheReaderWasTaught) {
  EXPECT_EQ(open_prompt(std::vector<std::string>{"x", "y"}, "why?"),
            "\n### ask why?\n### lines\n[1] x\n[2] y\n\n### ask why?\n### answer ");
  EXPECT_EQ(evidence_line("a\n  b\n\tc"), "a b c");
  const std::string cut = evidence_line(std::string(249, 'x') + "\xc3\xbc" + "more");
  EXPECT_EQ(cut, std::string(249, 'x'));
}

// How many records of these many bytes are shown.
std::size_t count_shown(std::initializer_list<std::size_t> sizes) {
  std::vector<std::string> shown;
  for (const std::size_t size : sizes) {
    if (!show_evidence(std::string(size, 'x'), shown)) break;
  }
  return shown.size();
}

TEST(Prompt, ShowsTheBestLinesWithinABudget) {
  EXPECT_EQ(count_shown({250, 250, 250, 150, 0}), 5u);
  EXPECT_EQ(count_shown({250, 250, 250, 151, 1}), 3u) << "a smaller line does not overtake a better one";
  EXPECT_EQ(count_shown({9000, 9000, 9000, 9000}), 3u) << "a line counts as it is cut";
  EXPECT_EQ(count_shown({1, 1, 1, 1, 1, 1, 1, 1, 1}), kEvidenceLinesMax);
}

std::unique_ptr<EvidenceReader> tiny_reader(std::uint64_t seed, double none_nats = 0) {
  testing::TempDir dir;
  EXPECT_TRUE(model::write_tiny_model(dir.path("tiny"), seed).is_ok());
  auto made = EvidenceReader::create(*model::Model::open(dir.path("tiny")), {"auto", 1}, none_nats);
  EXPECT_TRUE(made.is_ok());
  return std::move(*made);
}

TEST(EvidenceReader, WhateverANetSaysIsInTheRecordsThatItCites) {
  std::size_t answers = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto reader = tiny_reader(seed);
    for (const char* question : {"rc of job-17?", "which host", "?", "how many hosts are there"}) {
      std::vector<Finding> records(kLines.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].seq = i;
        records[i].text = kLines[i];
        records[i].value = "old";
        records[i].score = 1.0 / double(i + 1);
      }
      const auto taken = take_values(*reader, question, kNever, records);
      ASSERT_TRUE(taken.is_ok());
      ASSERT_EQ(records.size(), kLines.size());
      if (!*taken) continue;
      ++answers;
      for (const Finding& record : records) {
        EXPECT_EQ(record.text, kLines[record.seq]);
        EXPECT_NE(record.value, "old");
        if (record.value.empty()) continue;
        EXPECT_EQ(record.text.substr(record.span.begin, record.span.end - record.span.begin), record.value);
      }
    }
  }
  EXPECT_GT(answers, 3u);
}

TEST(EvidenceReader, AbstainsWhenNoneWouldSurpriseItLittle) {
  std::size_t answers = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto sure = tiny_reader(seed)->read(kLines, "rc of job-17?", kNever);
    const auto doubtful = tiny_reader(seed, 1e9)->read(kLines, "rc of job-17?", kNever);
    ASSERT_TRUE(sure.is_ok() && doubtful.is_ok());
    ASSERT_EQ(sure->has_value(), doubtful->has_value());
    if (!sure->has_value()) continue;
    answers += !(*sure)->empty();
    EXPECT_TRUE((*doubtful)->empty());
  }
  EXPECT_GT(answers, 0u);
}

TEST(EvidenceReader, RecordsBeyondTheBudgetAreNotRead) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 5; ++i) lines.push_back("rc=" + std::to_string(i) + std::string(300, ' '));
  std::size_t answers = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto reader = tiny_reader(seed);
    const auto answer = reader->read(lines, "rc?", kNever);
    ASSERT_TRUE(answer.is_ok());
    EXPECT_EQ(*answer, *reader->read(std::span(lines).first(3), "rc?", kNever));
    std::vector<Finding> records(lines.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].text = lines[i];
      records[i].value = "old";
    }
    const auto taken = take_values(*reader, "rc?", kNever, records);
    ASSERT_TRUE(taken.is_ok());
    if (!*taken) continue;
    ++answers;
    for (const Finding& record : records)
      EXPECT_EQ(record.value == "old", record.text == lines[3] || record.text == lines[4]) << record.value;
  }
  EXPECT_GT(answers, 0u);
}

TEST(EvidenceReader, EndsWhenCancelled) {
  const std::atomic<bool> cancelled{true};
  const auto read = tiny_reader(1)->read(kLines, "rc?", cancelled);
  EXPECT_EQ(read.status().code(), Code::kCancelled);
}

TEST(EvidenceReader, AnswersSayWhoReadTheValue) {
  Corpus corpus;
  corpus.add("jobs",
             {"2026-11-21T09:00:00Z job 8842 exit code 3", "2026-11-21T09:00:01Z job 8843 exit code 4"});
  AnswerOptions options;
  options.rerank = false;
  const std::string question = "What is the exit code of job 8842?";
  const Asked by_rules = ask(*corpus.answerer(options), question);
  EXPECT_EQ(by_rules.final.reader(), "rules");
  EXPECT_EQ(by_rules.text, "3 [1]");
  options.reader = PathChoice::kModel;
  bool by_model = false;
  for (int n = 0; n < 30 && !by_model; ++n) {  // a random net comes to an end with some questions only
    const Asked asked =
        ask(*corpus.answerer(options), question + std::string(static_cast<std::size_t>(n), '?'));
    ASSERT_TRUE(asked.status.is_ok()) << asked.status.to_string();
    by_model = asked.final.reader() == "model";
  }
  EXPECT_TRUE(by_model);
}

}  // namespace
}  // namespace silt::answer
