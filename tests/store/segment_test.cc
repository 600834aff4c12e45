#include "daemon/store/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "daemon/store/segment_builder.h"
#include "tests/store/expect_records.h"
#include "tests/store/random_records.h"

namespace silt::store {
namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

bool is_inner_colon(std::string_view text, std::uint32_t at) {
  return text[at] == ':' && at > 0 && at + 1 < text.size() &&
         std::isdigit(static_cast<unsigned char>(text[at - 1])) != 0 &&
         std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0;
}

// Runs of word characters, and clocks: a scanner that is enough to test with.
std::vector<TokenSpan> tokens_of(std::string_view text) {
  std::vector<TokenSpan> tokens;
  for (std::uint32_t at = 0; at < text.size();) {
    std::uint32_t end = at;
    while (end < text.size() && (is_word_char(text[end]) || is_inner_colon(text, end))) ++end;
    if (end > at) tokens.push_back({at, end});
    at = end + 1;
  }
  return tokens;
}

void terms_of(std::string_view text, std::vector<std::string>& out) {
  for (const TokenSpan token : tokens_of(text))
    out.emplace_back(text.substr(token.begin, token.end - token.begin));
}

struct Built {
  OwnedRecords records;
  std::vector<FoldMark> marks;
  std::vector<std::vector<TokenSpan>> tokens;
  std::shared_ptr<const std::string> bytes;

  void fold(PatternId pattern, std::int64_t event_us, bool is_new = false) {
    marks.push_back({pattern, event_us, is_new});
    tokens.push_back(tokens_of(records.records.back().text));
  }
  void finish(SegmentBuilder& builder) {
    for (std::size_t i = 0; i < marks.size(); ++i) builder.add(records.records[i], marks[i], tokens[i]);
    EXPECT_EQ(builder.records(), marks.size());
    EXPECT_EQ(builder.first_seq(), records.records.front().seq);
    EXPECT_EQ(builder.last_seq(), records.records.back().seq);
    Result<std::string> finished = builder.finish(terms_of);
    ASSERT_TRUE(finished.is_ok()) << finished.status().to_string();
    EXPECT_EQ(builder.records(), 0U);
    bytes = std::make_shared<const std::string>(std::move(finished).value());
  }
  Segment open() const {
    Result<Segment> segment = Segment::open(bytes);
    EXPECT_TRUE(segment.is_ok()) << segment.status().to_string();
    return std::move(segment).value();
  }
};

// A log as logs are: a few programs, times, addresses, ids, and now and then something else.
void ordinary_log(std::mt19937_64& random, std::size_t lines, Built& out) {
  std::int64_t at_s = 1795000000;
  out.records.add("").origin.place = "/var/log/some.log";
  out.records.records.back().origin.generation = 0x123456789;
  out.fold(0, at_s * 1000000, true);
  for (std::size_t i = 1; i < lines; ++i) {
    at_s += random() % 3 == 0 ? 1 : 0;
    const std::string time = std::to_string(at_s / 3600 % 24) + ":" +
                             std::to_string(100 + at_s / 60 % 60).substr(1) + ":" +
                             std::to_string(100 + at_s % 60).substr(1);
    const std::string address = "10.0." + std::to_string(random() % 4) + "." + std::to_string(random() % 200);
    const std::string id =
        "blk_" + std::to_string(static_cast<std::int64_t>((i - random() % 20) * 0x9e3779b97f4a7c15));
    const std::uint32_t kind = random() % 4;
    switch (kind) {
      case 0:
        out.records.add(time + " sshd[" + std::to_string(random() % 9999) + "]: Accepted key for root from " +
                        address);
        break;
      case 1:
        out.records.add(time + " dfs: Received block " + id + " of size " + std::to_string(random() % 70000) +
                        " from " + address);
        break;
      case 2:
        out.records.add(time + " dfs: Deleting block " + id + " took " + std::to_string(random() % 100) +
                        "ms");
        break;
      default: out.records.add(time + " app: " + awkward_line(random)); break;
    }
    out.records.records.back().arrival_us = (at_s + 3) * 1000000 + static_cast<std::int64_t>(i / 100);
    out.fold(kind + 1, at_s * 1000000, i < 8);
  }
}

void expect_all_back(const Built& built) {
  Segment segment = built.open();
  const Result<RecordBlock> block = segment.records(0, segment.records());
  ASSERT_TRUE(block.is_ok()) << block.status().to_string();
  expect_equal(block->records(), built.records.records);
  const auto marks = segment.marks();
  ASSERT_TRUE(marks.is_ok()) << marks.status().to_string();
  ASSERT_EQ(marks->size(), built.marks.size());
  for (std::size_t i = 0; i < built.marks.size(); ++i) {
    ASSERT_EQ((*marks)[i].pattern, built.marks[i].pattern) << i;
    ASSERT_EQ((*marks)[i].event_us, built.marks[i].event_us) << i;
    ASSERT_EQ((*marks)[i].new_pattern, built.marks[i].new_pattern) << i;
  }
  EXPECT_TRUE(segment.verify().is_ok());
}

TEST(Segment, OrdinaryLogComesBackAndIsShort) {
  std::mt19937_64 random(10);
  Built built;
  ordinary_log(random, 5000, built);
  SegmentBuilder builder;
  built.finish(builder);
  expect_all_back(built);
  EXPECT_LT(built.bytes->size(), 5000U * 30);
}

TEST(Segment, AnyRecordsComeBack) {
  std::mt19937_64 random(11);
  SegmentBuilder builder;  // the same one for all: what is left of one must not be seen in the next
  for (int round = 0; round < 40; ++round) {
    Built built;
    random_records(random, 1 + random() % 700, built.records);
    for (std::size_t i = 0; i < built.records.records.size(); ++i) {
      const bool odd = random() % 10 == 0;
      built.marks.push_back({static_cast<PatternId>(odd ? random() : random() % 5),
                             odd ? static_cast<std::int64_t>(random()) : built.records.records[i].arrival_us,
                             random() % 20 == 0});
      built.tokens.push_back(random() % 10 == 0 ? std::vector<TokenSpan>{}
                                                : tokens_of(built.records.records[i].text));
    }
    built.finish(builder);
    expect_all_back(built);
    if (HasFailure()) return;
  }
}

TEST(Segment, WrongTokensCostOnlySize) {
  std::mt19937_64 random(12);
  SegmentBuilder builder;
  Built built;
  for (int i = 0; i < 500; ++i) {
    built.records.add(awkward_line(random));
    built.fold(random() % 3, 0);
    for (TokenSpan& token : built.tokens.back()) {
      if (random() % 3 == 0)
        token = {static_cast<std::uint32_t>(random() % 40), static_cast<std::uint32_t>(random() % 40)};
    }
  }
  built.finish(builder);
  expect_all_back(built);
}

TEST(Segment, ExtremesComeBack) {
  SegmentBuilder builder;
  {
    Built empty_lines;
    for (int i = 0; i < 5000; ++i) {
      empty_lines.records.add("");
      empty_lines.fold(1, 0);
    }
    empty_lines.finish(builder);
    expect_all_back(empty_lines);
    EXPECT_LT(empty_lines.bytes->size(), 400U);
  }
  Built built;
  std::mt19937_64 random(13);
  built.records.add(std::string(1 << 20, 'x'));
  built.fold(1, 5);
  built.records.add(random_bytes(random, 1 << 20));
  built.fold(2, 6);
  std::string many_tokens;
  for (int i = 0; i < 3000; ++i) many_tokens += "a" + std::to_string(i) + " ";
  built.records.add(many_tokens);
  built.fold(3, 7);
  for (int i = 0; i < 2000; ++i) {  // more shapes than there may be
    built.records.add(std::string(static_cast<std::size_t>(i), '.') + "x 18446744073709551616 " +
                      std::to_string(i));
    built.fold(static_cast<PatternId>(i), 8);
  }
  built.finish(builder);
  expect_all_back(built);
}

TEST(Segment, HeaderCountsWithoutColumns) {
  std::mt19937_64 random(14);
  Built built;
  ordinary_log(random, 3000, built);
  SegmentBuilder builder;
  built.finish(builder);
  const Segment segment = built.open();
  const SegmentHeader& header = segment.header();
  EXPECT_EQ(segment.first_seq(), 1U);
  EXPECT_EQ(segment.last_seq(), 3000U);
  std::uint64_t text_bytes = 0;
  std::map<PatternId, PatternStats> wanted;
  for (std::uint32_t i = 0; i < built.marks.size(); ++i) {
    const FoldMark& mark = built.marks[i];
    text_bytes += built.records.records[i].text.size();
    PatternStats& stats =
        wanted.try_emplace(mark.pattern, PatternStats{mark.pattern, 0, i, i, mark.event_us, mark.event_us})
            .first->second;
    ++stats.count;
    stats.last_index = i;
    stats.max_event_us = std::max(stats.max_event_us, mark.event_us);
    stats.min_event_us = std::min(stats.min_event_us, mark.event_us);
    EXPECT_GE(mark.event_us, header.min_event_us);
    EXPECT_LE(mark.event_us, header.max_event_us);
  }
  EXPECT_EQ(header.text_bytes, text_bytes);
  ASSERT_EQ(segment.patterns().size(), wanted.size());
  for (const auto& [id, stats] : wanted) {
    const PatternStats* const got = segment.pattern(id);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->count, stats.count);
    EXPECT_EQ(got->first_index, stats.first_index);
    EXPECT_EQ(got->last_index, stats.last_index);
    EXPECT_EQ(got->min_event_us, stats.min_event_us);
    EXPECT_EQ(got->max_event_us, stats.max_event_us);
  }
  EXPECT_EQ(segment.pattern(99), nullptr);
}

TEST(Segment, ColumnsAreTheTokensOfTheirRecords) {
  std::mt19937_64 random(15);
  Built built;
  ordinary_log(random, 2000, built);
  SegmentBuilder builder;
  built.finish(builder);
  Segment segment = built.open();
  std::size_t values = 0, numbers = 0;
  for (std::uint32_t shape = 1; shape < segment.shapes().size(); ++shape) {
    const auto indexes = segment.indexes_of_shape(shape);
    ASSERT_TRUE(indexes.is_ok());
    ASSERT_EQ(indexes->size(), segment.shapes()[shape].count);
    for (std::uint32_t hole = 0; hole < segment.shapes()[shape].holes.size(); ++hole) {
      const auto column = segment.column(shape, hole);
      ASSERT_TRUE(column.is_ok()) << column.status().to_string();
      ASSERT_EQ(column->values.size(), indexes->size());
      const ColumnStats stats = segment.stats(shape, hole);
      for (std::size_t i = 0; i < indexes->size(); ++i) {
        const std::uint32_t index = (*indexes)[i];
        const TokenSpan token = built.tokens[index][hole];
        const std::string_view wanted =
            built.records.records[index].text.substr(token.begin, token.end - token.begin);
        ASSERT_EQ(column->values[i], wanted);
        if (const auto constant = segment.constant(shape, hole)) {
          ASSERT_EQ(*constant, wanted);
        }
        if (!column->numbers.empty()) {
          ASSERT_EQ(std::to_string(column->numbers[i]), wanted);
          ASSERT_TRUE(stats.numeric && stats.min <= column->numbers[i] && column->numbers[i] <= stats.max);
          ++numbers;
        }
        ++values;
      }
    }
  }
  EXPECT_GT(values, 10000U);
  EXPECT_GT(numbers, 500U);
  EXPECT_EQ(segment.column(1, 10000).status().code(), Code::kNotFound);
}

TEST(Segment, SomeRecordsAreThoseOfAll) {
  std::mt19937_64 random(16);
  Built built;
  ordinary_log(random, 1500, built);
  SegmentBuilder builder;
  built.finish(builder);
  for (int round = 0; round < 30; ++round) {
    Segment segment = built.open();
    std::set<std::uint32_t> chosen;
    for (std::size_t i = 1 + random() % 20; i > 0; --i)
      chosen.insert(static_cast<std::uint32_t>(random() % 1500));
    const std::vector<std::uint32_t> indexes(chosen.begin(), chosen.end());
    const auto block = segment.records(indexes);
    ASSERT_TRUE(block.is_ok()) << block.status().to_string();
    ASSERT_EQ(block->records().size(), indexes.size());
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      expect_equal(block->records()[i], built.records.records[indexes[i]]);
    }
    const auto first = static_cast<std::uint32_t>(random() % 1400);
    const auto range = segment.records(first, 100);
    ASSERT_TRUE(range.is_ok());
    expect_equal(range->records(), std::span(built.records.records).subspan(first, 100));
  }
  Segment segment = built.open();
  EXPECT_EQ(segment.records(1500, 1).status().code(), Code::kNotFound);
  EXPECT_EQ(segment.records(std::vector<std::uint32_t>{5, 5}).status().code(), Code::kNotFound);
  EXPECT_EQ(segment.records(std::vector<std::uint32_t>{5, 1500}).status().code(), Code::kNotFound);
  EXPECT_TRUE(segment.records(1500, 0)->empty());
}

TEST(Segment, TermsAreFoundWhereTheyAre) {
  std::mt19937_64 random(17);
  Built built;
  ordinary_log(random, 2000, built);
  SegmentBuilder builder;
  built.finish(builder);
  Segment segment = built.open();
  ASSERT_GT(segment.header().groups, 0U) << "terms of shared columns are to be found, too";
  std::map<std::string, std::vector<std::uint32_t>> wanted;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    std::vector<std::string> terms;
    terms_of(built.records.records[i].text, terms);
    for (std::string& term : terms) {
      std::vector<std::uint32_t>& indexes = wanted[std::move(term)];
      if (indexes.empty() || indexes.back() != i) indexes.push_back(i);
    }
  }
  int tried = 0;
  for (const auto& [term, indexes] : wanted) {
    ASSERT_TRUE(segment.may_contain(term)) << term;
    if (random() % 30 != 0) continue;
    std::vector<std::uint32_t> got;
    const Status status = segment.indexes_where(
        [&](std::string_view text) {
          std::vector<std::string> terms;
          terms_of(text, terms);
          return std::ranges::find(terms, term) != terms.end();
        },
        got);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    ASSERT_EQ(got, indexes) << term;
    ++tried;
  }
  EXPECT_GT(tried, 50);
  int wrong = 0;
  for (int i = 0; i < 1000; ++i) wrong += segment.may_contain("absent" + std::to_string(i)) ? 1 : 0;
  EXPECT_LT(wrong, 40);
}

TEST(Segment, TimestampsHaveNoTermsUnlessOneIsAValue) {
  for (const bool one_is_a_value : {false, true}) {
    Built built;
    for (int i = 0; i < 60; ++i) {
      built.records.add(std::string("10:00:") + std::to_string(10 + i % 50) + " job " + std::to_string(i) +
                        " done");
      built.fold(1, 0);
      built.tokens.back()[0].is_timestamp = !(one_is_a_value && i == 30);
    }
    SegmentBuilder builder;
    built.finish(builder);
    const Segment segment = built.open();
    int found = 0;
    for (int second = 20; second < 60; ++second) {
      found += segment.may_contain(std::string("10:00:") + std::to_string(second)) ? 1 : 0;
    }
    if (one_is_a_value) {
      EXPECT_EQ(found, 40);
    } else {
      EXPECT_LT(found, 10);
    }
    EXPECT_TRUE(segment.may_contain("done"));
  }
}

// Uses everything that a reader can call. Must end, with values or kDataLoss.
void read_all(const std::string& bytes, int& opened) {
  Result<Segment> segment = Segment::open(std::make_shared<const std::string>(bytes));
  const auto expect_known = [](const Status& status) {
    ASSERT_TRUE(status.is_ok() || status.code() == Code::kDataLoss) << status.to_string();
  };
  expect_known(segment.status());
  if (!segment.is_ok()) return;
  ++opened;
  std::vector<std::uint32_t> indexes;
  expect_known(segment->marks().status());
  for (std::uint32_t shape = 0; shape < segment->shapes().size(); ++shape) {
    for (std::uint32_t hole = 0; hole < segment->shapes()[shape].holes.size(); ++hole) {
      expect_known(segment->column(shape, hole).status());
    }
  }
  expect_known(segment->indexes_where([](std::string_view text) { return text.size() % 7 == 0; }, indexes));
  expect_known(segment->records(0, segment->records()).status());
  expect_known(segment->verify());
}

TEST(Segment, AnyDamageIsSaidOrHarmless) {
  std::mt19937_64 random(18);
  int opened = 0;
  for (int round = 0; round < 6; ++round) {
    Built built;
    ordinary_log(random, 50 + random() % 800, built);
    SegmentBuilder builder;
    built.finish(builder);
    for (int times = 0; times < 700; ++times) {
      const std::string bad = damage(random, *built.bytes);
      if (bad == *built.bytes) continue;
      read_all(bad, opened);
      Result<Segment> segment = Segment::open(std::make_shared<const std::string>(bad));
      if (segment.is_ok()) {
        ASSERT_EQ(segment->verify().code(), Code::kDataLoss);
      }
      if (HasFatalFailure()) return;
    }
    for (std::size_t size = 0; size < built.bytes->size(); size += 1 + size / 50) {
      ASSERT_FALSE(Segment::open(std::make_shared<const std::string>(built.bytes->substr(0, size))).is_ok());
    }
  }
  EXPECT_GT(opened, 100) << "damage behind the header is found when it is read";
}

}  // namespace
}  // namespace silt::store
