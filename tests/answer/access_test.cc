// Queries on a real store, whose segments are skipped, counted by their headers and read by columns, must find
// what a plain look at every record finds.
#include <gtest/gtest.h>

#include <map>

#include "daemon/answer/language/words.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/filter.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/fold/severity.h"
#include "daemon/store/attributes.h"
#include "daemon/store/segment.h"
#include "daemon/store/segment_builder.h"
#include "tests/daemon/fold_fixture.h"

namespace silt::answer::search {
namespace {

using store::Seq;

constexpr std::int64_t kStartUs = 1'795'600'000'000'000;

std::string time_text(std::int64_t us) {
  const std::time_t seconds = us / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

// Lines of a few patterns: some in bursts, so that segments differ in what they hold, some with rare words.
// `step_us`: how much later than the one before a line may be.
std::vector<std::string> random_lines(std::mt19937_64& random, std::size_t count, std::int64_t& now_us, std::uint64_t step_us = 20'000'000) {
  static const std::array<std::string, 5> kUsers = {"alice", "bob", "carol", "www-data", "mail.gate"};
  std::vector<std::string> out;
  std::size_t burst = 0;
  std::uint64_t kind = 0;
  while (out.size() < count) {
    if (burst-- == 0) burst = random() % 40, kind = random();
    if (step_us > 0) now_us += static_cast<std::int64_t>(random() % step_us) - (random() % 31 == 0 ? 120'000'000 : 0);
    const auto number = [&](std::uint64_t below) { return std::to_string(random() % below); };
    const std::string ip = "10." + number(300) + "." + number(3) + "." + number(260);
    const std::string at = time_text(now_us) + " ";
    switch ((random() % 5 == 0 ? random() : kind) % 8) {
      case 0: out.push_back(at + "INFO store.Writer: Received block blk_-" + number(1'000'000'000) + " of size " + number(70'000'000) + " from /" + ip); break;
      case 1: out.push_back(at + "WARN store.Reader: slow read took " + number(900) + " ms from " + ip + ":" + number(65536)); break;
      case 2: out.push_back(at + "ERROR net.Server: connection refused by " + ip + " user=u" + number(9)); break;
      case 3: out.push_back(at + "INFO auth: session opened for user " + kUsers[random() % (random() % 9 == 0 ? 5 : 2)] + " from " + ip); break;
      case 4: out.push_back("continued without a time " + number(50)); break;
      case 5: out.push_back(at + "INFO job.Runner: step " + number(12) + " done in 0:" + std::to_string(10 + random() % 50) + " tries=" + number(4)); break;
      case 6: out.push_back(at + (random() % 6 == 0 ? "FATAL job.Runner: out of memory in allocateBlock" : "INFO job.Runner: allocateBlock took 0x" + number(4096))); break;
      default: out.push_back("{\"ts\":\"" + time_text(now_us) + "\",\"level\":\"warn\",\"msg\":\"queue full\",\"depth\":" + number(3000) + "}"); break;
    }
  }
  return out;
}

// What the store says without its columns.
class BlocksOnly : public store::RecordLog {
 public:
  explicit BlocksOnly(const store::RecordLog& log) : log_(log) {}
  Result<store::SourceInfo> open_source(const std::string&, const std::string&, const std::string&) override { return unimplemented("read only"); }
  std::vector<store::SourceInfo> sources() const override { return log_.sources(); }
  Result<store::SourceInfo> source(store::SourceRef ref) const override { return log_.source(ref); }
  Status append(const store::GroupAppend&) override { return unimplemented("read only"); }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string& connector) const override { return log_.cursors(connector); }
  Result<store::BlockPtr> block_after(store::SourceRef source, Seq after) const override { return log_.block_after(source, after); }
  Result<store::JournalRecord> read(store::SourceRef source, Seq seq) const override { return log_.read(source, seq); }
  Result<store::IntakeHead> intake_head(store::SourceRef source) const override { return log_.intake_head(source); }
  Result<std::vector<store::Gap>> gaps(store::SourceRef source) const override { return log_.gaps(source); }
  Status append_shed_mark(store::SourceRef, const store::ShedMark&) override { return unimplemented("read only"); }
  Result<std::vector<store::ShedMark>> shed_marks(store::SourceRef source, Seq after) const override { return log_.shed_marks(source, after); }

 protected:
  const store::RecordLog& log_;
};

struct Reads {
  int marks = 0;  // stretches whose marks were read
  int texts = 0;
};

class CountedStretch final : public store::Stretch {
 public:
  CountedStretch(store::StretchPtr stretch, Reads& reads) : stretch_(std::move(stretch)), reads_(reads) {}
  Seq first_seq() const override { return stretch_->first_seq(); }
  Seq last_seq() const override { return stretch_->last_seq(); }
  bool is_folded() const override { return stretch_->is_folded(); }
  std::string_view damage() const override { return stretch_->damage(); }
  const store::StretchSummary* summary() const override { return stretch_->summary(); }
  Result<bool> may_hold(store::PatternId pattern, std::string_view letters) override { return stretch_->may_hold(pattern, letters); }
  Result<std::span<const store::FoldMark>> marks() override {
    ++reads_.marks;
    return stretch_->marks();
  }
  Result<std::span<const std::int64_t>> told() override { return stretch_->told(); }
  Result<std::string_view> text(std::size_t index) override {
    ++reads_.texts;
    return stretch_->text(index);
  }
  Result<std::string_view> attributes(std::size_t index) override { return stretch_->attributes(index); }
  Result<std::uint32_t> kind(std::size_t index) override { return stretch_->kind(index); }
  std::string_view text_part(std::size_t index, std::size_t begin, std::size_t end) override { return stretch_->text_part(index, begin, end); }

 private:
  const store::StretchPtr stretch_;
  Reads& reads_;
};

class CountedLog final : public BlocksOnly {
 public:
  using BlocksOnly::BlocksOnly;
  Result<store::StretchPtr> stretch_after(store::SourceRef source, Seq after) const override {
    SILT_ASSIGN(store::StretchPtr stretch, log_.stretch_after(source, after));
    return stretch ? std::make_unique<CountedStretch>(std::move(stretch), reads) : store::StretchPtr();
  }
  mutable Reads reads;
};

// The records that a query means, found by looking at all of them in the plainest way.
class Plain {
 public:
  Plain(const Query& query, const Profile& profile) : query_(query), profile_(profile) {}

  bool means(const store::RecordView& record, const store::FoldMark& mark) {
    const Window& window = query_.window;
    if (mark.event_us < window.since_us || mark.event_us > window.until_us) return false;
    const std::int32_t at = static_cast<std::int32_t>(mark.event_us / 1'000'000 % 86400);
    if (window.day_from_s >= 0 && (window.day_from_s <= window.day_to_s ? at < window.day_from_s || at >= window.day_to_s
                                                                          : at < window.day_from_s && at >= window.day_to_s)) return false;
    if (!query_.patterns.empty() && std::ranges::find(query_.patterns, mark.pattern) == query_.patterns.end()) return false;
    for (const WordGroup& group : query_.words) {
      if (std::ranges::none_of(group, [&](const std::string& word) { return language::has_word(record.text, word) || in_template(mark.pattern, word); })) return false;
    }
    if (std::ranges::any_of(query_.not_words, [&](const std::string& word) { return language::has_word(record.text, word); })) return false;
    return std::ranges::all_of(query_.tests, [&](const Test& test) { return passes(record.text, test); });
  }
  std::vector<std::string> values(std::string_view text, const std::string& name) {
    std::vector<std::string> out;
    for (const Slot& slot : anatomist_.slots_of(text, profile_.layout)) {
      if (slot_key(slot, text) == name) out.push_back(slot_value(slot, text));
    }
    return out;
  }

 private:
  bool in_template(store::PatternId pattern, const std::string& word) const {
    const auto known = profile_.pattern_at.find(pattern);
    const auto id = profile_.word_at.find(word);
    if (known == profile_.pattern_at.end() || id == profile_.word_at.end()) return false;
    const PatternProfile& in = profile_.patterns[known->second];
    const auto at = in.word_at.find(id->second);
    return at != in.word_at.end() && in.words[at->second].literal;
  }
  bool passes(std::string_view text, const Test& test) {
    const std::vector<std::string> found = values(text, test.slot);
    if (test.compare == Compare::kMore) return !found.empty() && read_quantity(found[0]) && read_quantity(found[0])->value > test.number;
    const std::string value = found.empty() ? "" : language::lower(found[0]);
    const std::string_view severity = test.slot == "severity" ? fold::severity_of(value) : std::string_view();
    const bool is = std::ranges::any_of(test.any, [&](const std::string& any) {
      return language::lower(any) == value || (!severity.empty() && fold::severity_of(any) == severity);
    });
    return found.empty() ? is && test.compare == Compare::kIs : is == (test.compare == Compare::kIs);
  }

  const Query& query_;
  const Profile& profile_;
  Anatomist anatomist_;
};

class AccessTest : public learn::FoldLoopTest {
 protected:
  void fill(std::size_t chunks) {
    info_ = source();
    const auto some = [&] {
      for (std::size_t i = 0; i < chunks / 2; ++i) append_lines(info_, random_lines(random_, 1 + random_() % 60, now_us_), "/var/log/a.log");
    };
    const auto frozen = [&](std::int64_t us) {
      for (int i = 0; i < 10; ++i) append_lines(info_, random_lines(random_, 25, us, 0), "/var/log/a.log");
    };
    some();
    // The first and the last time of all are those of several segments in the middle.
    frozen(kStartUs);  // with all patterns
    frozen(kStartUs + 500'000'000'000);
    frozen(kStartUs - 5'000'000'000);
    some();
    drain();
    auto profile = std::make_shared<Profile>();
    profile->ref = info_.ref;
    ASSERT_TRUE(update_profile(*store_, *store_, *profile).is_ok());
    profiles_ = {profile};
  }
  // A chunk that no segment has.
  void add_tail() {
    append_lines(info_, random_lines(random_, 5, now_us_), "/var/log/a.log");
    drain();
  }

  Query random_query();
  void expect_plain(const Query& query, const Outcome& got);
  void expect_same(const Query& query, const Outcome& got, const Outcome& wanted);

  std::mt19937_64 random_{11};
  std::int64_t now_us_ = kStartUs;
  store::SourceInfo info_;
  Profiles profiles_;
};

Query AccessTest::random_query() {
  static const std::array<std::string, 11> kWords = {"carol", "gate", "block", "memory", "refused", "u3", "10.1.2.3", "kerberos", "out of memory", "allocate", "queue"};
  static const std::array<std::string, 10> kNames = {"severity", "component", "from:ip", "user", "took:num", "size:num", "depth", "tries", "ip", "host"};
  static const std::array<std::string, 6> kBuckets = {"second", "minute", "hour", "day", "pattern", "source"};
  const auto chance = [&](unsigned of) { return random_() % of == 0; };
  Query query;
  query.op = static_cast<Op>(random_() % kOpNames.size());
  if (chance(2)) {
    for (const PatternProfile& pattern : profiles_[0]->patterns) {
      if (chance(3)) query.patterns.push_back(pattern.id);
    }
  }
  if (chance(3)) query.words.push_back({kWords[random_() % kWords.size()], kWords[random_() % kWords.size()]});
  if (chance(8)) query.not_words.push_back(kWords[random_() % kWords.size()]);
  if (chance(5)) query.tests.push_back({"severity", chance(2) ? Compare::kIs : Compare::kIsNot, {"ERROR", chance(2) ? "warn" : ""}, 0, ""});
  if (chance(6)) query.tests.push_back({"took:num", Compare::kMore, {}, double(random_() % 900), ""});
  if (chance(2)) query.operand = kNames[random_() % kNames.size()];
  if (chance(3)) query.group = chance(2) ? kNames[random_() % kNames.size()] : kBuckets[random_() % kBuckets.size()];
  const auto moment = [&] { return kStartUs + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(now_us_ - kStartUs)); };
  if (chance(3)) query.window.since_us = moment();
  if (chance(3)) query.window.until_us = moment();
  if (chance(9)) query.window.day_from_s = 22 * 3600, query.window.day_to_s = 6 * 3600;
  if (chance(4)) query.number = 90;
  return query;
}

std::string hit_text(const std::optional<Hit>& hit) {
  if (!hit) return "none";
  return std::to_string(hit->source) + ":" + std::to_string(hit->seq) + " " + std::to_string(hit->event_us) + " " + std::to_string(hit->pattern) + " " + hit->text;
}

// All that an outcome says, in one text.
std::string print(const Outcome& outcome) {
  std::string out;
  const auto add = [&](const std::string& name, const std::string& value) { out += name + " " + value + "\n"; };
  for (const auto& [name, value] : {std::pair("matched", outcome.matched), {"examined", outcome.examined}, {"total", outcome.total},
                                    {"damaged", outcome.damaged}, {"numbers", outcome.numbers}, {"grouped", outcome.grouped}})
    add(name, std::to_string(value));
  add("value", outcome.value ? number_text(*outcome.value) + outcome.unit : "none");
  for (const auto* hit : {&outcome.first, &outcome.last, &outcome.from, &outcome.to}) add("end", hit_text(*hit));
  for (const Hit& hit : outcome.sample) add("sample", hit_text(hit));
  for (const PatternCount& found : outcome.patterns)
    add("pattern", std::to_string(found.pattern) + " " + std::to_string(found.count) + " " + std::to_string(found.first_seq) + " " +
                       std::to_string(found.last_seq) + " " + std::to_string(found.first_us));
  for (const Group& group : outcome.groups) add("group " + group.value, std::to_string(group.count) + " " + (group.number ? number_text(*group.number) : "") + " " + hit_text(group.example));
  return out;
}

void AccessTest::expect_plain(const Query& query, const Outcome& got) {
  Plain plain(query, *profiles_[0]);
  std::uint64_t matched = 0;
  std::map<store::PatternId, std::uint64_t> patterns;
  std::map<std::string, std::uint64_t> groups;
  std::int64_t first_us = Window::kMax, last_us = Window::kMin;
  const std::string by = query.group.empty() ? query.operand : query.group;
  for (Seq after = 0;;) {
    const store::BlockPtr block = store_->block_after(info_.ref, after).value();
    if (!block) break;
    after = block->last_seq;
    for (std::size_t i = 0; i < block->marks.size(); ++i) {
      const store::RecordView& record = block->records.records()[i];
      if (!plain.means(record, block->marks[i])) continue;
      ++matched;
      ++patterns[block->marks[i].pattern];
      first_us = std::min(first_us, block->marks[i].event_us);
      last_us = std::max(last_us, block->marks[i].event_us);
      if (is_bucket(by)) ++groups[bucket_of(block->marks[i].event_us, by, 0)];
      else if (by == "pattern") ++groups[std::to_string(block->marks[i].pattern)];
      else if (const auto values = plain.values(record.text, by); !values.empty()) ++groups[values[0]];
    }
  }
  EXPECT_EQ(got.matched, matched);
  EXPECT_EQ(got.first ? got.first->event_us : Window::kMax, first_us);
  EXPECT_EQ(got.last ? got.last->event_us : Window::kMin, last_us);
  std::map<store::PatternId, std::uint64_t> got_patterns;
  for (const PatternCount& found : got.patterns) got_patterns[found.pattern] = found.count;
  EXPECT_EQ(got_patterns, patterns);
  const bool of_numbers = !query.group.empty() && !query.operand.empty() && (query.op == Op::kSum || query.op == Op::kAverage || query.op == Op::kMin || query.op == Op::kMax || query.op == Op::kPercentile);
  if (got.groups.empty() || by == "source" || of_numbers) return;
  std::map<std::string, std::uint64_t> got_groups;
  for (const Group& group : got.groups) got_groups[group.value] = group.count;
  EXPECT_EQ(got_groups, groups);
}

TEST_F(AccessTest, FindsWhatALookAtEveryRecordFinds) {
  fill(50);
  add_tail();
  const BlocksOnly blocks(*store_);
  SpareThreads spare(3);
  Limits in_shares;
  in_shares.spare = &spare;
  in_shares.share_records_min = 20;
  std::uint64_t found = 0, grouped = 0;
  for (int i = 0; i < 1000; ++i) {
    const Query query = random_query();
    const auto got = execute(*store_, profiles_, query, {});
    const auto wanted = execute(blocks, profiles_, query, {});
    ASSERT_TRUE(got.is_ok() && wanted.is_ok());
    EXPECT_EQ(print(*got), print(*wanted)) << print_query(query);
    const auto shared = execute(*store_, profiles_, query, in_shares);
    ASSERT_TRUE(shared.is_ok());
    EXPECT_EQ(print(*shared), print(*got)) << "in shares: " << print_query(query);
    expect_plain(query, *got);
    found += got->matched > 0;
    grouped += got->groups.size() > 1;
    if (HasFailure()) FAIL() << "query " << i << ": " << print_query(query);
  }
  EXPECT_GT(found, 400u);
  EXPECT_GT(grouped, 70u);
}

// How much is read, for what kind of query; all of the source would be 60 stretches and more, and 1,500 texts.
TEST_F(AccessTest, ReadsNoMoreThanTheQueryNeeds) {
  fill(80);
  const auto reads_of = [&](const Query& query) {
    const CountedLog log(*store_);
    EXPECT_TRUE(execute(log, profiles_, query, {}).is_ok());
    return log.reads;
  };
  Query all;
  all.op = Op::kCount;
  CountedLog whole(*store_);
  RecordInHand hand(profiles_[0]->layout);
  ASSERT_TRUE(visit_records(whole, info_.ref, {}, {}, hand, [](RecordInHand& record) { return !record.text().empty(); }).is_ok());
  ASSERT_GT(whole.reads.marks, 30);
  ASSERT_GT(whole.reads.texts, 1000);

  // What no segment has is always looked at.
  const Seq sealed = head(info_).sealed_seq;
  CountedLog tail(*store_);
  ASSERT_TRUE(visit_records(tail, info_.ref, {sealed + 1, ~Seq{0}}, {}, hand, [](RecordInHand& record) { return !record.text().empty(); }).is_ok());
  const Reads unsealed = tail.reads;

  const Reads count = reads_of(all);
  EXPECT_LT(count.marks, whole.reads.marks / 2);
  EXPECT_LT(count.texts, 20);  // the sample

  Query hours = all;
  hours.op = Op::kHistogram;
  hours.group = "hour";
  EXPECT_LT(reads_of(hours).texts, 50);  // of examples

  Query absent = all;
  absent.words = {{"kerberos"}};
  EXPECT_LE(reads_of(absent).marks, unsealed.marks);
  EXPECT_LE(reads_of(absent).texts, unsealed.texts);

  Query rare = all;
  rare.words = {{"memory"}};
  EXPECT_LT(reads_of(rare).texts, whole.reads.texts / 3);

  Query last = all;
  last.window.since_us = now_us_ - 60'000'000;
  last.window.until_us = now_us_;
  EXPECT_LT(reads_of(last).marks, whole.reads.marks / 4);
}

// What the input says of records beside their texts is found by name like what stands in these.
TEST_F(AccessTest, AttributesAreSlots) {
  info_ = source();
  const auto told = [](std::string_view state, std::string_view took) {
    const std::array<store::Attribute, 4> all = {{{"State", state}, {"took", took}, {"host.name", state == "open" ? "web7" : "Web-Q"}, {"pid", "4711"}}};
    return store::encode_attributes(all);
  };
  for (int i = 0; i < 20; ++i) {
    append_lines(info_, random_lines(random_, 30, now_us_), "/var/log/a.log", told("open", "12 ms"));
    append_lines(info_, {"state=text without an attribute"}, "/var/log/a.log");
    append_lines(info_, random_lines(random_, 10, now_us_), "/var/log/a.log", told("resolved", "2 s"));
  }
  drain();
  ASSERT_GT(segments(info_).size(), 5U);
  auto profile = std::make_shared<Profile>();
  profile->ref = info_.ref;
  ASSERT_TRUE(update_profile(*store_, *store_, *profile).is_ok());
  profiles_ = {profile};
  ASSERT_TRUE(profile->slot_at.contains("state"));
  EXPECT_EQ(profile->slots[profile->slot_at.at("state")].values.at("resolved"), 200U);
  const auto count = [&](std::string_view text) { return execute(*store_, profiles_, parse_query(text).value(), {}).value(); };
  EXPECT_EQ(count("count if:state=open").matched, 600U);
  EXPECT_EQ(count("count if:state!=open").matched, 220U);
  const Outcome groups = count("count by:state");
  ASSERT_EQ(groups.groups.size(), 3U);
  EXPECT_EQ(groups.groups[0].value + groups.groups[1].value + groups.groups[2].value, "openresolvedtext");
  EXPECT_EQ(count("count if:took>500ms").matched, 200U);
  EXPECT_EQ(count("count host.name=web7").matched, 600U);
  EXPECT_EQ(count("count machine=web7").matched, 0U);
}

// A word may stand in the text or in an attribute; of segments whose letters rule it out nothing is read.
TEST_F(AccessTest, WordsAreLookedForInAttributes) {
  info_ = source();
  const auto told = [](std::string_view unit, std::string_view pid) {
    const std::array<store::Attribute, 3> all = {{{"unit", unit}, {"k8s.pod.name", "web-q"}, {"pid", pid}}};
    return store::encode_attributes(all);
  };
  for (int i = 0; i < 20; ++i) append_lines(info_, random_lines(random_, 30, now_us_), "/var/log/a.log", told("nginx.service", "4711"));
  for (int i = 0; i < 20; ++i) append_lines(info_, random_lines(random_, 30, now_us_), "/var/log/a.log");
  append_lines(info_, {"nginx says 4711", "pod=text beats a short name"}, "/var/log/a.log", told("other", "1"));
  drain();
  ASSERT_GT(segments(info_).size(), 5U);
  auto profile = std::make_shared<Profile>();
  profile->ref = info_.ref;
  ASSERT_TRUE(update_profile(*store_, *store_, *profile).is_ok());
  profiles_ = {profile};
  CountedLog log(*store_);
  const auto count = [&](std::string_view text) { return execute(log, profiles_, parse_query(text).value(), {}).value().matched; };
  EXPECT_EQ(count("count words:nginx"), 601U);
  EXPECT_EQ(count("count not:nginx"), 601U);
  EXPECT_EQ(count("count words:4711"), 1U) << "what a number means, only its name says";
  EXPECT_EQ(count("count pid=4711"), 600U);
  EXPECT_EQ(count("count pod=web-q"), 601U);
  EXPECT_EQ(count("count pod=text"), 1U);
  log.reads = {};
  EXPECT_EQ(count("count words:zebra"), 0U);
  EXPECT_LT(log.reads.texts, 100U);
}

TEST_F(AccessTest, ProfilesOfASampleKnowEveryPatternAndTheWholeCount) {
  fill(80);
  const Seq all = head(info_).folded_seq;
  EXPECT_EQ(profiles_[0]->total(), all);
  Profile sample;
  sample.ref = info_.ref;
  ASSERT_TRUE(update_profile(*store_, *store_, sample, 500).is_ok());
  EXPECT_EQ(sample.total(), all);
  EXPECT_GT(sample.left_out, 0u);
  EXPECT_EQ(sample.read_seq, all);
  EXPECT_EQ(sample.first_us, profiles_[0]->first_us);
  EXPECT_EQ(sample.last_us, profiles_[0]->last_us);
  for (const PatternProfile& pattern : sample.patterns) EXPECT_GT(pattern.seen, 0u) << pattern.text;
  // Grown by little: that is read whole.
  add_tail();
  const std::uint64_t left_out = sample.left_out;
  ASSERT_TRUE(update_profile(*store_, *store_, sample, 500).is_ok());
  EXPECT_EQ(sample.total(), all + 5);
  EXPECT_EQ(sample.left_out, left_out);
}

// Tells when somebody looks for what is new.
class WatchedLog final : public BlocksOnly {
 public:
  WatchedLog(const store::RecordLog& log, std::function<void()> seen) : BlocksOnly(log), seen_(std::move(seen)) {}
  Result<store::StretchPtr> stretch_after(store::SourceRef source, Seq after) const override {
    seen_();
    return log_.stretch_after(source, after);
  }

 private:
  std::function<void()> seen_;
};

TEST_F(AccessTest, ProfilesKnowThePatternsOfWhatIsFoldedWhileTheyAreMade) {
  fill(10);
  Profile grown = *profiles_[0];
  bool added = false;
  const WatchedLog log(*store_, [&] {
    if (std::exchange(added, true)) return;
    append_lines(info_, std::vector<std::string>(5, "a zebra crossed the street"), "/var/log/a.log");
    drain();
  });
  ASSERT_TRUE(update_profile(log, *store_, grown).is_ok());
  ASSERT_TRUE(added);
  EXPECT_EQ(grown.read_seq, head(info_).folded_seq);
  ASSERT_TRUE(grown.stem_at.contains("zebra"));
  for (const PatternProfile& pattern : grown.patterns) EXPECT_GT(pattern.seen, 0u) << pattern.text;
}

TEST_F(AccessTest, FewLinesDoNotSettleHowALogIsBuilt) {
  info_ = source();
  append_lines(info_, {"# made by hand, see the notes"}, "/var/log/a.log");
  drain();
  Profile grown;
  grown.ref = info_.ref;
  ASSERT_TRUE(update_profile(*store_, *store_, grown).is_ok());
  EXPECT_EQ(grown.layout.kind, Layout::Kind::kProse);
  append_lines(info_, random_lines(random_, 200, now_us_), "/var/log/a.log");
  drain();
  ASSERT_TRUE(update_profile(*store_, *store_, grown).is_ok());
  EXPECT_EQ(grown.layout.kind, Layout::Kind::kLines);
  EXPECT_EQ(grown.records, 201U) << "the first one, too, and once";
  EXPECT_TRUE(grown.slot_at.contains("severity"));
}

// A segment of lines, or the lines one by one.
class Lines final : public store::Stretch {
 public:
  Lines(std::vector<std::string> lines, bool columns) : lines_(std::move(lines)) {
    if (!columns) return;
    store::SegmentBuilder builder;
    fold::ScannedLine scanned;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      fold::scan_line(lines_[i], scanned);
      std::vector<store::TokenSpan> tokens;
      for (const fold::Token& token : scanned.tokens) tokens.push_back({token.begin, token.end});
      store::RecordView record;
      record.seq = i + 1;
      record.text = lines_[i];
      builder.add(record, {.pattern = static_cast<store::PatternId>(scanned.tokens.size())}, tokens);
    }
    auto bytes = builder.finish([](std::string_view, std::vector<std::string>&) {});
    segment_.emplace(store::Segment::open(std::make_shared<const std::string>(std::move(*bytes))).value());
  }
  store::Seq first_seq() const override { return 1; }
  store::Seq last_seq() const override { return lines_.size(); }
  bool is_folded() const override { return true; }
  Result<std::span<const store::FoldMark>> marks() override { return std::span<const store::FoldMark>(); }
  Result<std::span<const std::int64_t>> told() override { return std::span<const std::int64_t>(); }
  Result<std::string_view> text(std::size_t index) override { return std::string_view(lines_[index]); }
  Result<std::string_view> attributes(std::size_t) override { return std::string_view(); }
  Result<std::uint32_t> kind(std::size_t index) override {
    if (!segment_) return store::kNoKind;
    const auto kind = segment_->text_kind(static_cast<std::uint32_t>(index));
    kinds += *kind != store::kNoKind;
    return kind;
  }
  std::string_view text_part(std::size_t index, std::size_t begin, std::size_t end) override {
    return segment_->text_part(static_cast<std::uint32_t>(index), begin, end);
  }
  std::size_t kinds = 0;  // how often one was told

 private:
  const std::vector<std::string> lines_;
  std::optional<store::Segment> segment_;
};

void expect_same_slots(SlotFinder& finder, Anatomist& anatomist, const std::string& line, const Layout& layout, std::mt19937_64& random) {
  const std::vector<Slot> all = anatomist.slots_of(line, layout);
  for (int ask = 0; ask < 2 && !all.empty(); ++ask) {
    const std::string name = slot_key(all[random() % all.size()], line);
    std::vector<const Slot*> wanted;
    for (const Slot& slot : all) {
      if (slot_key(slot, line) == name) wanted.push_back(&slot);
    }
    const auto got = finder.find(name);
    ASSERT_TRUE(got.is_ok() && got->size() == wanted.size()) << line << "\n" << name;
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      const Slot &is = (*got)[k], &was = *wanted[k];
      ASSERT_TRUE(is.begin == was.begin && is.end == was.end && is.kind == was.kind && is.type == was.type && is.role == was.role &&
                  is.name == was.name && is.before == was.before && is.after == was.after) << line << "\n" << name;
      ASSERT_EQ(slot_value(is, finder.text()), slot_value(was, line)) << line << "\n" << name;
      const auto quantity = slot_quantity(is, finder.text(), false), right = slot_quantity(was, line, false);
      ASSERT_TRUE(quantity.has_value() == right.has_value() && (!right || (quantity->base == right->base && quantity->unit == right->unit))) << line;
    }
  }
}

TEST(SlotFinder, FindsWhatTheAnatomistFinds) {
  std::mt19937_64 random(3);
  std::int64_t now_us = kStartUs;
  std::vector<std::string> lines = random_lines(random, 400, now_us);
  for (const char* line : {"<34>Oct 11 22:14:15 host su[12]: failed for root", "I0507 12:04:17 main.cc:12] took 300 ms", "256.1.1.1 300.1.1.1 1.2.3.4:99999",
                           "at 2026-11-21 or 3026-11-21 or 9026/11/21, 0x1f and 1x1f", "1700000000 1700000000123 16:61:99 12345678 1234567890123456",
                           "081109 203518 143 INFO dfs.DataNode$PacketResponder: blk_38865049064139660 /10.250.19.102:54106",
                           "-12 temp=-7 C status=404 took=00012ms at 3/ 7/26", "{\"ts\":1700000000123,\"status\":200,\"took_ms\":12}"})
    lines.push_back(line);
  std::size_t kinds = 0;
  for (const Layout& layout : {Layout{}, Layout{Layout::Kind::kAccess, {}}, Layout{Layout::Kind::kCsv, {"a", "b", "c"}}}) {
    SlotFinder finder(layout);
    Anatomist anatomist;
    for (int round = 0; round < 16; ++round) {
      std::vector<std::string> some;
      // Few lines a round, so that many are of one kind.
      for (int i = 0; i < 2000; ++i) {
        std::string& line = some.emplace_back(lines[(random() % (round < 4 ? lines.size() : 12) + static_cast<std::size_t>(round) * 31) % lines.size()]);
        for (char& c : line) {
          if (c >= '0' && c <= '9' && random() % 3 == 0) c = static_cast<char>('0' + random() % 10);
        }
      }
      Lines stretch(some, round % 4 != 0);
      finder.enter(stretch);
      for (std::size_t i = 0; i < some.size(); ++i) {
        finder.take(i);
        expect_same_slots(finder, anatomist, some[i], layout, random);
        if (HasFatalFailure()) return;
      }
      kinds += stretch.kinds;
    }
  }
  EXPECT_GT(kinds, 10'000U);
}

}  // namespace
}  // namespace silt::answer::search
