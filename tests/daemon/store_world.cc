#include "tests/daemon/store_world.h"

#include <algorithm>
#include <set>

#include "daemon/fold/scanner.h"
#include "daemon/store/attributes.h"
#include "daemon/store/segment_builder.h"
#include "tests/store/random_records.h"

namespace silt::store {
namespace {

constexpr const char* kWords[] = {"error",   "Accepted",  "refused", "10.0.0.1",      "disk",
                                  "sda1",    "user=root", "opened",  "closed",        "ERROR",
                                  "expired", "blk_123",   "the",     "/var/log/a.log"};

void terms_of(std::string_view text, std::vector<std::string>& out) {
  fold::index_terms(text, out);
}

RecordView view_of(const JournalRecord& record) {
  RecordView view;
  view.seq = record.seq;
  view.arrival_us = record.arrival_us;
  view.told_us = record.told_us;
  view.text = record.text;
  view.attributes = record.attributes;
  view.origin = {record.place, record.generation, record.begin, record.end};
  view.flags = record.flags;
  view.bytes_cut = record.bytes_cut;
  return view;
}

JournalRecord record_of(const RecordView& view) {
  return {view.seq,
          view.arrival_us,
          view.told_us,
          std::string(view.text),
          std::string(view.attributes),
          std::string(view.origin.place),
          view.origin.generation,
          view.origin.begin,
          view.origin.end,
          view.flags,
          view.bytes_cut};
}

std::string text_of(std::mt19937_64& random) {
  if (random() % 4 == 0) return awkward_line(random);
  std::string line;
  for (std::size_t words = 1 + random() % 7; words > 0; --words) {
    line += kWords[random() % std::size(kWords)];
    line += words == 1 ? "" : " ";
  }
  if (random() % 3 == 0) line += " took " + std::to_string(random() % 5000) + " ms";
  return line;
}

void expect_equal(const FoldMark& got, const FoldMark& wanted) {
  EXPECT_EQ(got.pattern, wanted.pattern);
  EXPECT_EQ(got.event_us, wanted.event_us);
  EXPECT_EQ(got.new_pattern, wanted.new_pattern);
}

}  // namespace

void expect_equal(const JournalRecord& got, const JournalRecord& wanted) {
  EXPECT_EQ(got.seq, wanted.seq);
  EXPECT_EQ(got.arrival_us, wanted.arrival_us);
  EXPECT_EQ(got.told_us, wanted.told_us);
  EXPECT_EQ(got.text, wanted.text);
  EXPECT_EQ(got.attributes, wanted.attributes);
  EXPECT_EQ(got.place, wanted.place);
  EXPECT_EQ(got.generation, wanted.generation);
  EXPECT_EQ(got.begin, wanted.begin);
  EXPECT_EQ(got.end, wanted.end);
  EXPECT_EQ(got.flags, wanted.flags);
  EXPECT_EQ(got.bytes_cut, wanted.bytes_cut);
}

bool SourceModel::is_lost(Seq seq) const {
  return std::any_of(lost.begin(), lost.end(),
                     [seq](const auto& range) { return range.first <= seq && seq <= range.second; });
}

StoreWorld::StoreWorld(std::uint64_t seed, std::string path) : random(seed), seed_(seed) {
  options.database.path = path.empty() ? dir_.path("store") : std::move(path);
  options.database.env = quick_.env();
  options.terms_of = terms_of;
}

Status StoreWorld::reopen() {
  store_.reset();
  SILT_ASSIGN(store_, RocksStore::open(options));
  return Status::ok();
}

SourceModel& StoreWorld::source(const std::string& name, const std::string& tenant) {
  const auto [found, is_new] = sources_.try_emplace(tenant + '\0' + name);
  if (is_new) found->second.info = store_->open_source(tenant, name, "host").value();
  return found->second;
}

std::vector<SourceModel*> StoreWorld::sources() {
  std::vector<SourceModel*> out;
  for (auto& [name, source] : sources_) out.push_back(&source);
  return out;
}

// --- what is done -----------------------------------------------------------------------------------

std::mt19937_64 StoreWorld::dice_of(const SourceModel& source, Seq seq) const {
  return std::mt19937_64(seed_ * 1'000'003 + std::hash<std::string>()(source.info.name) + seq);
}

KeptRecord StoreWorld::record(const SourceModel& source) const {
  KeptRecord kept;
  JournalRecord& record = kept.record;
  const JournalRecord last = source.records.empty() ? JournalRecord() : source.records.back().record;
  record.seq = last.seq + 1;
  std::mt19937_64 dice = dice_of(source, record.seq);
  record.arrival_us = last.arrival_us + static_cast<std::int64_t>(dice() % 1'000'000);
  record.text = text_of(dice);
  record.place = dice() % 16 == 0 ? random_bytes(dice, 6) : "/var/log/a";
  record.generation = dice() % 3;
  record.begin = last.end + 1;
  record.end = record.begin + record.text.size();
  if (dice() % 16 == 0)
    record.told_us = record.arrival_us - static_cast<std::int64_t>(dice() % 1'000'000'000);
  if (dice() % 32 == 0) record.flags = connectors::kRecordCut;
  if (record.flags != 0) record.bytes_cut = dice() % 1000;
  if (dice() % 8 == 0) {
    const Attribute attributes[] = {{"level", "error"}, {"host", kWords[dice() % 3]}};
    record.attributes = encode_attributes(attributes);
  }
  kept.mark.pattern = static_cast<PatternId>(dice() % 6);
  kept.mark.event_us = record.told_us != 0 ? record.told_us : record.arrival_us;
  kept.mark.new_pattern = dice() % 16 == 0;
  return kept;
}

Score StoreWorld::score_of(const SourceModel& source, Seq seq) const {
  std::mt19937_64 dice = dice_of(source, ~seq);
  Score score;
  score.seq = seq;
  score.decision = static_cast<Decision>(dice() % 3);
  score.reason = static_cast<std::uint8_t>(dice() % 12);
  if (dice() % 3 == 0) return score;
  score.tokens = static_cast<std::uint32_t>(1 + dice() % 100);
  score.adapted_nats = static_cast<float>(dice() % 6400) / 64;
  score.frozen_nats = static_cast<float>(dice() % 6400) / 64;
  return score;
}

Status StoreWorld::append(std::vector<std::pair<SourceModel*, std::size_t>> counts,
                          std::vector<CursorChange> cursors) {
  GroupAppend group;
  for (const auto& [source, count] : counts) {
    IntakeHead delta;
    const Seq first = source->end() + 1;
    for (std::size_t i = 0; i < count; ++i) {
      source->records.push_back(record(*source));
      delta.lines += 1;
      delta.bytes += source->records.back().record.text.size();
    }
    delta.redaction = "state " + std::to_string(source->end());
    delta.last_arrival_us = source->records.back().record.arrival_us;
    StreamAppend stream{source->info.ref, {}, delta};
    for (Seq seq = first; seq <= source->end(); ++seq) {
      stream.records.push_back(view_of(source->records[seq - 1].record));
    }
    group.streams.push_back(std::move(stream));
  }
  group.cursors = std::move(cursors);
  const Status appended = store_->append(group);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    SourceModel& source = *counts[i].first;
    if (appended.code() == Code::kAborted) {
      source.records.resize(source.records.size() - counts[i].second);
      continue;
    }
    source.chunk_ends.push_back(source.end());
    source.intake.journal_seq = source.end();
    source.intake.lines += group.streams[i].delta.lines;
    source.intake.bytes += group.streams[i].delta.bytes;
    source.intake.redaction = group.streams[i].delta.redaction;
    source.intake.last_arrival_us = group.streams[i].delta.last_arrival_us;
  }
  return appended;
}

Status StoreWorld::fold(SourceModel& source, std::size_t chunks) {
  FoldCommit commit;
  commit.source = source.info.ref;
  commit.marks_first_seq = source.fold.folded_seq + 1;
  for (const Seq end : source.chunk_ends) {
    if (end <= source.fold.folded_seq || chunks == 0) continue;
    --chunks;
    ++source.fold.open_chunks;
    while (source.fold.folded_seq < end) {
      const KeptRecord& kept = source.records[source.fold.folded_seq++];
      commit.marks.push_back(kept.mark);
      source.fold.folded_bytes += kept.record.text.size();
    }
  }
  for (PatternId id = 0; id < 6; ++id) {
    PatternRow row;
    row.id = id;
    row.text = std::string(kWords[id]) + " <num>";
    row.count = source.fold.folded_seq;
    row.state = "state";
    commit.patterns.push_back(row);
  }
  source.fold.patterns = 6;
  commit.head = source.fold;
  return store_->commit(std::span(&commit, 1));
}

SealedSegment StoreWorld::segment(const SourceModel& source, Seq first, Seq last) const {
  SegmentBuilder builder;
  SealedSegment sealed;
  sealed.info.first_seq = first;
  sealed.info.last_seq = last;
  fold::ScannedLine line;
  for (Seq seq = first; seq <= last; ++seq) {
    const KeptRecord& kept = source.records[seq - 1];
    fold::scan_line(kept.record.text, line);
    std::vector<TokenSpan> spans;
    for (const fold::Token& token : line.tokens) spans.push_back({token.begin, token.end});
    builder.add(view_of(kept.record), kept.mark, spans);
    const bool is_first = seq == first;
    sealed.info.raw_bytes += kept.record.text.size();
    sealed.info.last_arrival_us = std::max(sealed.info.last_arrival_us, kept.record.arrival_us);
    sealed.info.first_event_us =
        is_first ? kept.mark.event_us : std::min(sealed.info.first_event_us, kept.mark.event_us);
    sealed.info.last_event_us =
        is_first ? kept.mark.event_us : std::max(sealed.info.last_event_us, kept.mark.event_us);
  }
  sealed.bytes = builder.finish(fold::possible_terms).value();
  sealed.info.stored_bytes = sealed.bytes.size();
  return sealed;
}

Status StoreWorld::seal(SourceModel& source, Seq from) {
  FoldCommit commit;
  commit.source = source.info.ref;
  source.fold.sealed_seq = source.fold.folded_seq;
  source.fold.sealed_bytes = source.fold.folded_bytes;
  source.fold.open_chunks = 0;
  const FoldHead before = store_->fold_head(source.info.ref).value();
  commit.sealed.push_back(segment(source, from == 0 ? before.sealed_seq + 1 : from, source.fold.folded_seq));
  commit.head = source.fold;
  commit.marks_first_seq = source.fold.folded_seq + 1;
  return store_->commit(std::span(&commit, 1));
}

Status StoreWorld::score(SourceModel& source, std::size_t count, std::size_t tail,
                         std::optional<std::string> blob) {
  NetCommit commit;
  commit.source = source.info.ref;
  for (; count > 0; --count) {
    const Seq seq = ++source.net.learned_seq;
    commit.scores.push_back(score_of(source, seq));
    source.records[seq - 1].score = commit.scores.back();
  }
  for (std::size_t i = 1; i <= tail; ++i) commit.tail.push_back(score_of(source, source.net.learned_seq + i));
  source.tail = commit.tail;
  source.net.state_version = 1 + source.net.learned_seq;
  source.net.steps = source.net.learned_seq / 10;
  commit.head = source.net;
  commit.blob = std::move(blob);
  commit.blob_reason = "budget";
  std::vector<NetCommit> commits;
  commits.push_back(std::move(commit));
  return store_->commit(std::move(commits));
}

// --- what must be there -----------------------------------------------------------------------------

void StoreWorld::check(SourceModel& source) {
  check_journal(source);
  check_stretches(source);
  check_evidence(source);
  check_terms(source);
  check_times(source);
}

void StoreWorld::check_journal(SourceModel& source) {
  const SourceRef ref = source.info.ref;
  const auto intake = store_->intake_head(ref);
  ASSERT_TRUE(intake.is_ok());
  EXPECT_EQ(intake->journal_seq, source.intake.journal_seq);
  EXPECT_EQ(intake->bytes, source.intake.bytes);
  EXPECT_EQ(intake->redaction, source.intake.redaction);
  Seq next = source.fold.floor_seq + 1;
  for (const bool failed = ::testing::Test::HasFailure(); failed || !::testing::Test::HasFailure();) {
    const auto got = store_->block_after(ref, next - 1);
    ASSERT_TRUE(got.is_ok()) << got.status().to_string();
    if (!*got) break;
    const Block& block = **got;
    ASSERT_EQ(block.first_seq, next);
    ASSERT_GE(block.last_seq, next);
    for (; next <= block.last_seq; ++next) EXPECT_EQ(source.is_lost(next), !block.damage.empty()) << next;
    if (!block.damage.empty()) continue;
    ASSERT_EQ(block.records.records().size(), block.last_seq - block.first_seq + 1);
    for (const RecordView& record : block.records.records())
      expect_equal(record_of(record), source.records[record.seq - 1].record);
    ASSERT_EQ(block.marks.size(),
              block.last_seq <= source.fold.folded_seq ? block.records.records().size() : 0u)
        << "block " << block.first_seq << ".." << block.last_seq;
    for (std::size_t i = 0; i < block.marks.size(); ++i)
      expect_equal(block.marks[i], source.records[block.first_seq + i - 1].mark);
  }
  EXPECT_EQ(next, source.end() + 1);
  for (int i = 0; i < 10 && source.end() > 0; ++i) {
    const Seq seq = 1 + random() % source.end();
    const auto record = store_->read(ref, seq);
    if (seq <= source.fold.floor_seq) {
      EXPECT_EQ(record.status().code(), Code::kNotFound);
    } else if (source.is_lost(seq)) {
      EXPECT_EQ(record.status().code(), Code::kDataLoss);
    } else {
      ASSERT_TRUE(record.is_ok()) << record.status().to_string();
      expect_equal(*record, source.records[seq - 1].record);
    }
  }
  EXPECT_EQ(store_->read(ref, source.end() + 1).status().code(), Code::kNotFound);
}

// Every record once, whatever form it has; summaries say what counting says.
void StoreWorld::check_stretches(SourceModel& source) {
  Seq next = source.fold.floor_seq + 1;
  for (const bool failed = ::testing::Test::HasFailure(); failed || !::testing::Test::HasFailure();) {
    const auto got = store_->stretch_after(source.info.ref, next - 1);
    ASSERT_TRUE(got.is_ok()) << got.status().to_string();
    if (!*got) break;
    Stretch& stretch = **got;
    ASSERT_EQ(stretch.first_seq(), next);
    next = stretch.last_seq() + 1;
    std::map<PatternId, PatternStats> counted;
    for (Seq seq = stretch.first_seq(); seq < next; ++seq) {
      const auto index = static_cast<std::uint32_t>(seq - stretch.first_seq());
      EXPECT_EQ(source.is_lost(seq), !stretch.damage().empty()) << seq;
      if (!stretch.damage().empty()) continue;
      const KeptRecord& kept = source.records[seq - 1];
      EXPECT_EQ(*stretch.text(index), kept.record.text) << seq;
      EXPECT_EQ(*stretch.attributes(index), kept.record.attributes) << seq;
      EXPECT_EQ((*stretch.told())[index], kept.record.told_us) << seq;
      EXPECT_EQ(stretch.is_folded(), next - 1 <= source.fold.folded_seq) << seq;
      if (!stretch.is_folded()) continue;
      expect_equal((*stretch.marks())[index], kept.mark);
      const std::int64_t us = kept.mark.event_us;
      PatternStats& stats = counted.try_emplace(kept.mark.pattern, PatternStats{kept.mark.pattern, 0, index, index, us, us}).first->second;
      ++stats.count;
      stats.last_index = index;
      stats.min_event_us = std::min(stats.min_event_us, us);
      stats.max_event_us = std::max(stats.max_event_us, us);
    }
    if (stretch.summary() == nullptr) continue;
    std::vector<PatternStats> wanted;
    for (const auto& [pattern, stats] : counted) wanted.push_back(stats);
    EXPECT_EQ(stretch.summary()->patterns, wanted) << "stretch " << stretch.first_seq() << ".." << next - 1;
  }
  EXPECT_EQ(next, source.end() + 1);
}

void StoreWorld::check_evidence(SourceModel& source) {
  const Seq first = 1 + random() % (source.end() + 1), last = first + random() % (source.end() + 1);
  const auto expect_evidence = [&](const Evidence& row, bool with_scores) {
    const KeptRecord& kept = source.records[row.seq - 1];
    expect_equal(FoldMark{row.pattern, row.event_us, row.new_pattern}, kept.mark);
    Score score;
    if (with_scores && kept.score) score = *kept.score;
    for (const Score& open : source.tail) {
      if (with_scores && open.seq == row.seq) score = open;
    }
    EXPECT_EQ(row.tokens, score.tokens) << row.seq;
    EXPECT_EQ(row.reason, score.reason);
    EXPECT_EQ(row.decision, score.decision);
    EXPECT_EQ(row.adapted_nats, score.adapted_nats);
    EXPECT_EQ(row.frozen_nats, score.frozen_nats);
  };
  for (const bool with_scores : {false, true}) {
    std::vector<Seq> wanted, got;
    for (Seq seq = first; seq <= std::min(last, source.end()); ++seq) {
      if (source.is_known(seq)) wanted.push_back(seq);
    }
    const auto visit = [&](const Evidence& row) {
      got.push_back(row.seq);
      expect_evidence(row, with_scores);
      return true;
    };
    ASSERT_TRUE(store_->scan(source.info.ref, {first, last}, with_scores, visit).is_ok());
    EXPECT_EQ(got, wanted) << "scan of " << first << ".." << last;
    std::vector<Seq> some;
    for (Seq seq = first; seq <= std::min(last, source.end() + 3); seq += 1 + random() % 9)
      some.push_back(seq);
    wanted.clear();
    got.clear();
    std::copy_if(some.begin(), some.end(), std::back_inserter(wanted),
                 [&](Seq seq) { return source.is_known(seq); });
    ASSERT_TRUE(store_->look_up(source.info.ref, some, with_scores, visit).is_ok());
    EXPECT_EQ(got, wanted) << "look-up in " << first << ".." << last;
  }
  const auto one = store_->evidence(source.info.ref, first);
  EXPECT_EQ(one.is_ok(), first <= source.end() && source.is_known(first)) << first;
  if (one.is_ok()) expect_evidence(*one, true);
}

void StoreWorld::check_terms(SourceModel& source) {
  std::map<std::string, std::vector<Seq>> by_term;
  std::vector<std::string> terms;
  for (Seq seq = 1; seq <= source.end(); ++seq) {
    if (!source.is_known(seq)) continue;
    terms_of(source.records[seq - 1].record.text, terms);
    for (const std::string& term : terms) by_term[term].push_back(seq);
  }
  by_term["neverwritten"] = {};
  for (const auto& [term, all] : by_term) {
    if (random() % by_term.size() > 30) continue;
    const Seq first = random() % (source.end() + 1),
              last = random() % 3 == 0 ? ~Seq{0} : first + random() % 200;
    const std::size_t limit = random() % 3 == 0 ? 1 + random() % 10 : ~std::size_t{0};
    std::vector<Seq> wanted, got;
    for (const Seq seq : all) {
      if (seq >= first && seq <= last && wanted.size() < limit) wanted.push_back(seq);
    }
    ASSERT_TRUE(store_->postings(source.info.ref, term, {first, last}, limit, got).is_ok());
    EXPECT_EQ(got, wanted) << "term '" << term << "' in " << first << ".." << last << ", at most " << limit
                           << (wanted.empty()
                                   ? ""
                                   : "; the first has '" + source.records[wanted[0] - 1].record.text + "'");
  }
  // Of patterns and of what is not sealed.
  for (const std::string prefix : {"", "e", "er", "10.0", "neverwritten"}) {
    std::set<std::string> wanted;
    const auto take = [&](std::string_view text) {
      terms_of(text, terms);
      for (const std::string& term : terms) {
        if (term.starts_with(prefix)) wanted.insert(term);
      }
    };
    for (PatternId id = 0; id < source.fold.patterns; ++id) take(std::string(kWords[id]) + " <num>");
    for (Seq seq = source.fold.sealed_seq + 1; seq <= source.end(); ++seq) {
      if (source.is_known(seq)) take(source.records[seq - 1].record.text);
    }
    const std::size_t limit = random() % 2 == 0 ? 5 : 1000;
    std::vector<std::string> got;
    ASSERT_TRUE(store_->terms_with_prefix(source.info.ref, prefix, limit, got).is_ok());
    std::vector<std::string> first(wanted.begin(), wanted.end());
    first.resize(std::min(first.size(), limit));
    EXPECT_EQ(got, first) << "prefix '" << prefix << "'";
  }
}

// The range may be wider than needed, by the blocks at its ends; it must hold all.
void StoreWorld::check_times(SourceModel& source) {
  if (source.end() == 0) return;
  for (int i = 0; i < 5; ++i) {
    const std::int64_t first = source.records[random() % source.end()].mark.event_us;
    const std::int64_t last = source.records[random() % source.end()].mark.event_us;
    const auto range = store_->seqs_between(source.info.ref, first, last);
    ASSERT_TRUE(range.is_ok());
    for (Seq seq = 1; seq <= source.end(); ++seq) {
      const std::int64_t at = source.records[seq - 1].mark.event_us;
      if (!source.is_known(seq) || at < first || at > last) continue;
      EXPECT_TRUE(seq >= range->first && seq <= range->last) << seq;
    }
  }
  const auto none = store_->seqs_between(source.info.ref, 1, 0);
  ASSERT_TRUE(none.is_ok());
}

}  // namespace silt::store
