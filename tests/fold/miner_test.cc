#include "daemon/fold/miner.h"

#include <gtest/gtest.h>

#include <map>

#include "base/digest.h"
#include "tests/fold/lines.h"

namespace silt::fold {
namespace {

std::string text_of(const Miner& miner, PatternId id) {
  const Pattern* pattern = miner.find(id);
  return pattern == nullptr ? "(none)" : pattern->text;
}

TEST(Miner, ValuesDoNotMakePatterns) {
  Miner miner;
  const Folded first =
      miner.fold("Nov 21 20:54:35 quartz gated[7]: Refused key for otto from 10.0.0.7 port 22", 1, 10);
  const Folded second =
      miner.fold("Nov 22 01:02:03 quartz gated[88]: Refused key for otto from 10.9.8.7 port 9", 2, 20);
  EXPECT_TRUE(first.is_new);
  EXPECT_TRUE(first.template_changed);
  EXPECT_EQ(second.pattern, first.pattern);
  EXPECT_FALSE(second.is_new);
  EXPECT_FALSE(second.template_changed);
  EXPECT_EQ(second.count, 2u);
  EXPECT_EQ(text_of(miner, 1), "Refused key for otto from <ip> port <num>");
  const Pattern& pattern = *miner.find(1);
  EXPECT_EQ(pattern.first_seq, 1u);
  EXPECT_EQ(pattern.last_seq, 2u);
  EXPECT_EQ(pattern.first_time_us, 10);
  EXPECT_EQ(pattern.last_time_us, 20);
  EXPECT_EQ(pattern.example_seq, 1u);
}

TEST(Miner, AWordThatChangesBecomesWildAndTheIdStays) {
  Miner miner;
  miner.fold("quartz gated[7]: Refused key for otto from 10.0.0.7 port 22", 1, 0);
  const Folded second = miner.fold("quartz gated[7]: Refused key for mira from 10.0.0.7 port 22", 2, 0);
  EXPECT_EQ(second.pattern, 1u);
  EXPECT_TRUE(second.template_changed);
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(text_of(miner, 1), "quartz gated[<num>]: Refused key for <*> from <ip> port <num>");
  EXPECT_EQ(miner.find(1)->example_seq, 2u);
  EXPECT_FALSE(
      miner.fold("quartz gated[7]: Refused key for lena from 10.0.0.7 port 22", 3, 0).template_changed);
}

TEST(Miner, SharedHeadersDoNotMergeStrangers) {
  Miner miner;
  const std::vector<std::string> lines = {"Closing idle socket", "Opening fresh socket",
                                          "Dropping stale lease", "Renewing old lease",
                                          "Flushing write buffer"};
  std::uint64_t seq = 0;
  for (const std::string& line : lines) miner.fold("Nov 21 20:54:35 quartz gated[7]: " + line, ++seq, 0);
  EXPECT_EQ(miner.size(), lines.size());
}

TEST(Miner, IdsAreDenseAndCountsAddUp) {
  std::mt19937_64 random(3);
  Miner miner;
  constexpr std::uint64_t kLines = 5000;
  for (std::uint64_t seq = 1; seq <= kLines; ++seq) miner.fold(testing::service_line(random), seq, 0);
  std::uint64_t counted = 0;
  for (PatternId id = 1; id <= miner.size(); ++id) {
    ASSERT_NE(miner.find(id), nullptr);
    counted += miner.find(id)->count;
  }
  EXPECT_EQ(counted, kLines);
  EXPECT_EQ(miner.find(static_cast<PatternId>(miner.size() + 1)), nullptr);
  EXPECT_EQ(miner.find(kOtherPattern), nullptr);
  EXPECT_LE(miner.size(), 10u);  // service_line has six
  EXPECT_GE(miner.size(), 6u);
}

TEST(Miner, JsonFoldsByKeysAndMessage) {
  Miner miner;
  const Folded first =
      miner.fold(R"({"level":"info","msg":"tunnel 7 opened","peer":"10.0.0.7","user":"otto"})", 1, 0);
  const Folded same =
      miner.fold(R"({"level":"info","msg":"tunnel 9 opened","peer":"10.0.0.9","user":"mira"})", 2, 0);
  const Folded other =
      miner.fold(R"({"level":"info","msg":"lease 9 lost","peer":"10.0.0.9","user":"mira"})", 3, 0);
  const Folded level =
      miner.fold(R"({"level":"error","msg":"tunnel 9 opened","peer":"10.0.0.9","user":"mira"})", 4, 0);
  const Folded keys = miner.fold(R"({"level":"info","msg":"tunnel 9 opened","peer":"10.0.0.9"})", 5, 0);
  EXPECT_EQ(same.pattern, first.pattern);
  EXPECT_EQ(text_of(miner, first.pattern), "level=info msg=tunnel <num> opened peer=<ip> user=<*>");
  EXPECT_NE(other.pattern, first.pattern);
  EXPECT_NE(level.pattern, first.pattern);
  EXPECT_NE(keys.pattern, first.pattern);
}

TEST(Miner, BrokenJsonIsALineLikeAnyOther) {
  Miner miner;
  for (const char* line :
       {"{\"", "{\"a\"}", "{\"a\":}", "{\"a\":\"b}", "{\"a\":{\"b\":[1,2}", "{}", "{\"a\" 1}"}) {
    EXPECT_EQ(miner.fold(line, 1, 0).count, 1u) << line;
  }
}

TEST(Miner, AFullMinerCountsUnderOther) {
  Miner miner(MinerConfig{.max_patterns = 2});
  EXPECT_EQ(miner.fold("alpha beta gamma", 1, 0).pattern, 1u);
  EXPECT_EQ(miner.fold("one two", 2, 0).pattern, 2u);
  const Folded other = miner.fold("something quite different here", 3, 0);
  EXPECT_EQ(other.pattern, kOtherPattern);
  EXPECT_TRUE(other.is_new);
  EXPECT_EQ(miner.fold("and another kind of line entirely", 4, 0).count, 2u);
  EXPECT_EQ(miner.fold("alpha beta gamma", 5, 0).pattern, 1u);
  ASSERT_NE(miner.find(kOtherPattern), nullptr);
  EXPECT_EQ(miner.find(kOtherPattern)->count, 2u);
  EXPECT_EQ(miner.size(), 2u);
}

TEST(Miner, AnAnswerIsForgottenWhenATemplateChanges) {
  Miner miner(MinerConfig{.max_patterns = 1});
  const char* line = "alpha beta gamma eta";
  EXPECT_EQ(miner.fold("alpha beta gamma x1", 1, 0).pattern, 1u);
  EXPECT_EQ(miner.fold(line, 2, 0).pattern, kOtherPattern);
  EXPECT_EQ(miner.fold(line, 3, 0).pattern, kOtherPattern);
  EXPECT_TRUE(miner.fold("alpha beta gamma x2", 4, 0).template_changed);
  EXPECT_EQ(miner.fold(line, 5, 0).pattern, 1u);
}

TEST(Miner, ABoundedTreeKeepsWorking) {
  Miner miner(MinerConfig{.max_children = 4});
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::string name(1, static_cast<char>('a' + i % 26));
    miner.fold(name + name + name + " entered hall", i, 0);  // too few words to be alike
  }
  // Four branches by name; behind them one template with the name wild.
  EXPECT_EQ(miner.size(), 5u);
  EXPECT_EQ(text_of(miner, 5), "<*> entered hall");
}

// A plain word is part of what happened until four forms of it were seen.
TEST(Miner, APlainWordVariesAfterFourForms) {
  Miner miner;
  const auto fold = [&](const std::string& name, std::uint64_t seq) {
    return miner.fold("the door of " + name + " was opened from inside", seq, 0);
  };
  EXPECT_EQ(fold("otto", 1).pattern, 1u);
  EXPECT_EQ(fold("mira", 2).pattern, 2u);
  EXPECT_EQ(fold("jonas", 3).pattern, 3u);
  const Folded fourth = fold("lena", 4);
  EXPECT_EQ(fourth.pattern, 1u);
  EXPECT_TRUE(fourth.template_changed);
  EXPECT_FALSE(fourth.is_new);
  EXPECT_EQ(fold("mira", 5).pattern, 1u);
  EXPECT_EQ(fold("somebody", 6).pattern, 1u);
  EXPECT_EQ(text_of(miner, 1), "the door of <*> was opened from inside");
  EXPECT_EQ(miner.resolve(2), 1u);
  EXPECT_EQ(miner.resolve(3), 1u);
  EXPECT_EQ(miner.find(2)->merged_into, 1u);
  EXPECT_EQ(text_of(miner, 2), "the door of mira was opened from inside");
  EXPECT_EQ(miner.find(1)->count, 4u);  // lines 1, 4, 5, 6: nothing is counted twice
  EXPECT_EQ(miner.find(2)->count, 1u);
}

TEST(Miner, TwoFormsAreTwoPatterns) {
  Miner miner;
  for (std::uint64_t seq = 1; seq <= 50; ++seq) {
    miner.fold(seq % 2 == 0 ? "the worker of the pool was started again"
                            : "the worker of the pool was stopped again",
               seq, 0);
  }
  EXPECT_EQ(miner.size(), 2u);
}

// Templates that learned of different variable places are one in the end.
TEST(Miner, PatternsThatTurnOutToBeOneAreMerged) {
  Miner miner;
  std::uint64_t seq = 0;
  const auto fold = [&](const char* door, const char* house) {
    return miner.fold(std::string("someone opened door ") + door + " of house " + house + " from inside",
                      ++seq, 0);
  };
  for (const char* door : {"red", "blue", "green", "black"}) fold(door, "north");
  for (const char* house : {"south", "west", "east"}) fold("white", house);
  const PatternId last = fold("white", "middle").pattern;
  EXPECT_EQ(last, 1u);
  for (PatternId id = 1; id <= miner.size(); ++id) EXPECT_EQ(miner.resolve(id), 1u) << id;
  EXPECT_EQ(text_of(miner, 1), "someone opened door <*> of house <*> from inside");
}

TEST(Miner, OnlyMessagesMakePatterns) {
  Miner miner;
  for (const char* line :
       {"Nov 21 20:54:35 quartz gated[7]: tunnel to the north was lost",
        "Nov 21 20:54:36 basalt relay(tls)[9]: tunnel to the north was lost",
        "2026-11-21 20:54:35,978 WARN [main] org.example.Gate: tunnel to the north was lost",
        "I1121 20:54:35.123456 1 gate.go:7] tunnel to the north was lost",
        "\x1b[31mERROR\x1b[0m tunnel to the no\xc2\xadrth was l\xe2\x80\x8bost"}) {
    EXPECT_EQ(miner.fold(line, 1, 0).pattern, 1u) << line;
  }
  EXPECT_EQ(text_of(miner, 1), "tunnel to the north was lost");
}

TEST(Miner, RepeatedAndRestatedValuesCountOnce) {
  Miner miner;
  const std::vector<std::vector<const char*>> same = {
      {"asked 10.0.0.7 to delete blk_-1601", "asked 10.0.0.8 to delete blk_-1602 blk_77 blk_78"},
      {"closed after 12 bytes sent", "closed after 1190 bytes (1.16 KB) sent"},
      {"waited 3 seconds for it", "waited 12ms for it"},
      {"seen at Fri Jul  1 07:57:30 2005 by all", "seen at Sun Aug 21 17:00:01 2005 by all"},
      {"took lock=1, tag=\"View Lock\", ws=null", "took lock=2, tag=\"other\", ws=9"},
      {"open www.example.com:443 now", "open mail.other.example:25 now"}};
  for (const auto& lines : same) {
    const PatternId first = miner.fold(lines[0], 1, 0).pattern;
    EXPECT_EQ(miner.fold(lines[1], 2, 0).pattern, first) << lines[1];
  }
  EXPECT_EQ(miner.size(), same.size());
}

TEST(Miner, EmptyAndHugeLinesFold) {
  Miner miner;
  EXPECT_EQ(miner.fold("", 1, 0).pattern, 1u);
  EXPECT_EQ(miner.fold("   ", 2, 0).pattern, 1u);
  std::string words;
  while (words.size() < 100'000) words += "word ";
  const Folded huge = miner.fold(words, 3, 0);
  EXPECT_LE(text_of(miner, huge.pattern).size(), 3000u);
  EXPECT_EQ(miner.fold(words + "tail behind the limit", 4, 0).pattern, huge.pattern);
}

// The state must be a function of the lines: same lines, same bytes.
TEST(Miner, SameLinesSameBytes) {
  const auto run = [] {
    std::mt19937_64 random(17);
    Miner miner(MinerConfig{.max_patterns = 500, .max_children = 10});
    for (std::uint64_t seq = 1; seq <= 4000; ++seq) {
      miner.fold(seq % 3 == 0 ? testing::noise(random, 120) : testing::service_line(random), seq, 0);
    }
    return miner.serialize();
  };
  EXPECT_EQ(digest_of(run()), digest_of(run()));
}

// A miner that was stored and loaded at any moment goes on exactly like one that never stopped.
TEST(Miner, StoredAndLoadedGoesOnTheSame) {
  std::mt19937_64 random(23);
  const MinerConfig config{.max_patterns = 300, .max_children = 6};
  Miner twin(config);
  Miner restarted(config);
  for (std::uint64_t seq = 1; seq <= 6000; ++seq) {
    const std::string line = seq % 4 == 0 ? testing::noise(random, 90) : testing::service_line(random);
    const Folded expected = twin.fold(line, seq, static_cast<std::int64_t>(seq));
    const Folded got = restarted.fold(line, seq, static_cast<std::int64_t>(seq));
    ASSERT_EQ(got.pattern, expected.pattern) << seq;
    ASSERT_EQ(got.template_changed, expected.template_changed) << seq;
    if (seq % 97 == 0) {
      auto loaded = Miner::deserialize(restarted.serialize(), config);
      ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
      restarted = std::move(loaded).value();
    }
  }
  EXPECT_EQ(restarted.serialize(), twin.serialize());
}

// What is remembered of lines seen before decides nothing: a miner that is made anew for each line, and
// so remembers none, gives the same.
TEST(Miner, MemoryDecidesNothing) {
  std::mt19937_64 random(41);
  Miner quick;
  Miner slow;
  const char* names[] = {"otto", "mira", "jonas", "lena", "svc", "root", "guest"};
  for (std::uint64_t seq = 1; seq <= 600; ++seq) {
    const std::string line = seq % 2 == 0 ? testing::service_line(random)
                                          : std::string("the door of ") + names[random() % 7] +
                                                " was opened from " + names[random() % 7] + " again";
    const Folded expected = quick.fold(line, seq, 0);
    const Folded got = slow.fold(line, seq, 0);
    ASSERT_EQ(got.pattern, expected.pattern) << seq << line;
    ASSERT_EQ(got.count, expected.count) << seq;
    auto loaded = Miner::deserialize(slow.serialize());
    ASSERT_TRUE(loaded.is_ok()) << loaded.status().to_string();
    slow = std::move(loaded).value();
  }
  EXPECT_EQ(quick.serialize(), slow.serialize());
}

TEST(Miner, DirtyRowsAreEnoughToRebuild) {
  std::mt19937_64 random(29);
  Miner miner;
  std::map<PatternId, MinerRow> stored;
  for (std::uint64_t seq = 1; seq <= 2000; ++seq) {
    miner.fold(testing::service_line(random), seq, 0);
    if (seq % 50 != 0) continue;
    PatternId last = 0;
    for (MinerRow& row : miner.take_dirty()) {
      EXPECT_TRUE(stored.empty() || row.id > last || last == 0);
      last = row.id;
      stored[row.id] = std::move(row);
    }
  }
  EXPECT_TRUE(miner.take_dirty().empty());
  std::vector<MinerRow> rows;
  for (auto it = stored.rbegin(); it != stored.rend(); ++it) rows.push_back(it->second);
  Miner loaded;
  ASSERT_TRUE(loaded.load(rows).is_ok());
  EXPECT_EQ(loaded.serialize(), miner.serialize());
  EXPECT_TRUE(loaded.take_dirty().empty());
}

TEST(Miner, DamagedStatesAreRefused) {
  std::mt19937_64 random(31);
  Miner miner;
  for (std::uint64_t seq = 1; seq <= 200; ++seq) miner.fold(testing::service_line(random), seq, 0);
  const std::string good = miner.serialize();
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_FALSE(Miner::deserialize(good.substr(0, size)).is_ok()) << size;
  }
  for (int i = 0; i < 2000; ++i) {  // never a crash, whatever the bytes
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random() & 0xff);
    auto loaded = Miner::deserialize(bad);
    if (loaded.is_ok()) loaded->fold(testing::service_line(random), 1, 0);
  }
  std::string newer = good;
  ++newer[0];
  EXPECT_EQ(Miner::deserialize(newer).status().code(), Code::kDataLoss);
  std::vector<MinerRow> rows = miner.take_dirty();
  rows.erase(rows.begin());
  Miner incomplete;
  EXPECT_EQ(incomplete.load(rows).code(), Code::kDataLoss);
}

}  // namespace
}  // namespace silt::fold
