// The EvidenceStore part of RocksStore.
#include <algorithm>

#include "daemon/store/index_rows.h"
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::daemon {
namespace {

std::uint16_t posting_at(std::string_view value, std::size_t index) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(value[2 * index]) |
                                    static_cast<unsigned char>(value[2 * index + 1]) << 8);
}

// The key behind the last row of the table that a range of numbers may touch.
std::string end_of_range(char table, SourceRef source, std::uint64_t last) {
  return last == ~std::uint64_t{0} ? keys::after(keys::of_source(table, source))
                                   : keys::of_number(table, source, last + 1);
}

}  // namespace

Status RocksStore::scan(SourceRef source, SeqRange range,
                        const std::function<bool(const Evidence&)>& visit) const {
  if (range.first > range.last) return Status::ok();
  Status failed;
  SILT_TRY(database_->scan(Family::kMain, keys::of_number(keys::kEvidence, source, range.first),
                           end_of_range(keys::kEvidence, source, range.last), [&](auto key, auto value) {
                             Evidence evidence;
                             evidence.seq = keys::number_at_end(key, 8);
                             failed = rows::decode(key, value, evidence);
                             return failed.is_ok() && visit(evidence);
                           }));
  return failed;
}

Result<Evidence> RocksStore::evidence(SourceRef source, Seq seq) const {
  const std::string key = keys::of_number(keys::kEvidence, source, seq);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return not_found("nothing is known of record " + std::to_string(seq));
  Evidence evidence;
  evidence.seq = seq;
  SILT_TRY(rows::decode(key, *value, evidence));
  return evidence;
}

Status RocksStore::postings(SourceRef source, std::string_view term, SeqRange range, std::size_t limit,
                            std::vector<Seq>& out) const {
  out.clear();
  if (range.first > range.last || limit == 0) return Status::ok();
  const std::string prefix = keys::of_term(source, term);
  return database_->scan(Family::kIndex, keys::of_posting(source, term, range.first), keys::after(prefix),
                         [&](auto key, auto value) {
                           const Seq base = keys::number_at_end(key, 6) << keys::kPostingBlockBits;
                           for (std::size_t i = 0; i < value.size() / 2; ++i) {
                             const Seq seq = base | posting_at(value, i);
                             if (seq < range.first) continue;
                             if (seq > range.last) return false;
                             out.push_back(seq);
                             if (out.size() == limit) return false;
                           }
                           return true;
                         });
}

Result<std::size_t> RocksStore::posting_count(SourceRef source, std::string_view term,
                                              std::size_t limit) const {
  std::size_t count = 0;
  const std::string prefix = keys::of_term(source, term);
  SILT_TRY(database_->scan(Family::kIndex, prefix, keys::after(prefix), [&](auto, auto value) {
    count += value.size() / 2;
    return count < limit;
  }));
  return std::min(count, limit);
}

Status RocksStore::terms_with_prefix(SourceRef source, std::string_view prefix, std::size_t limit,
                                     std::vector<std::string>& out) const {
  out.clear();
  const std::string of_source = keys::of_source(keys::kPosting, source);
  std::string next = of_source + std::string(prefix);
  const std::string end = keys::after(next);
  for (bool found = true; found && out.size() < limit;) {
    found = false;
    SILT_TRY(database_->scan(Family::kIndex, next, end, [&](auto key, auto) {
      const std::string_view rest = key.substr(of_source.size());
      out.emplace_back(rest.substr(0, rest.find('\0')));
      found = true;
      return false;
    }));
    if (found) next = of_source + out.back() + '\1';  // skips the term's other blocks
  }
  return Status::ok();
}

Status RocksStore::patterns(SourceRef source, std::vector<PatternRow>& out) const {
  out.clear();
  Status failed;
  const std::string begin = keys::of_source(keys::kPattern, source);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    PatternRow row;
    row.id = static_cast<PatternId>(keys::number_at_end(key, 4));
    failed = rows::decode(key, value, row);
    out.push_back(std::move(row));
    return failed.is_ok();
  }));
  return failed;
}

Result<PatternRow> RocksStore::pattern(SourceRef source, PatternId id) const {
  const std::string key = keys::of_pattern(source, id);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return not_found("no pattern " + std::to_string(id));
  PatternRow row;
  row.id = id;
  SILT_TRY(rows::decode(key, *value, row));
  return row;
}

Result<SeqRange> RocksStore::seqs_between(SourceRef source, std::int64_t first_us,
                                          std::int64_t last_us) const {
  SeqRange range{1, 0};
  bool any = false;
  const std::string begin = keys::of_source(keys::kTime, source);
  Status failed;
  SILT_TRY(database_->scan(Family::kIndex, begin, keys::after(begin), [&](auto key, auto value) {
    const auto span = decode_time_span(value);
    if (!span) {
      failed = data_loss("time index row is damaged");
      return false;
    }
    if (span->last_us < first_us || span->first_us > last_us) return true;
    const Seq segment = keys::number_at_end(key, 8) << keys::kTimeSegmentBits;
    if (!any) range.first = std::max<Seq>(segment, 1);
    range.last = segment + (Seq{1} << keys::kTimeSegmentBits) - 1;
    any = true;
    return true;
  }));
  SILT_TRY(failed);
  return range;
}

// --- digests for comparing stores -----------------------------------------------------------------

namespace {

Status digest_table(const Database& database, Family family, char table, SourceRef source, bool wrapped,
                    Digest& out) {
  Digester digester;
  const std::string begin = keys::of_source(table, source);
  SILT_TRY(database.scan(family, begin, keys::after(begin), [&](auto key, auto value) {
    const std::string_view rest = key.substr(begin.size());
    const std::string_view payload = wrapped ? rows::payload_of(value) : value;
    const std::uint64_t sizes[] = {rest.size(), payload.size()};
    digester.update(sizes, sizeof sizes);
    digester.update(rest);
    digester.update(payload);
    return true;
  }));
  out = digester.finish();
  return Status::ok();
}

}  // namespace

std::string SourceDigest::to_string() const {
  return tenant + " " + name + " journal_seq=" + std::to_string(journal_seq) +
         " learned_seq=" + std::to_string(learned_seq) + " journal=" + journal.hex() + " head=" + head.hex() +
         " evidence=" + evidence.hex() + " patterns=" + patterns.hex() + " postings=" + postings.hex() +
         " times=" + times.hex();
}

Result<std::vector<SourceDigest>> RocksStore::digests() const {
  std::vector<SourceDigest> out;
  for (const SourceInfo& info : sources()) {
    SourceDigest digest;
    digest.tenant = info.tenant;
    digest.name = info.name;
    SILT_ASSIGN(const IntakeHead intake, intake_head(info.ref));
    digest.journal_seq = intake.journal_seq;
    SILT_ASSIGN(const auto learned, head(info.ref));
    if (learned) digest.learned_seq = learned->learned_seq;
    const Database& db = *database_;
    SILT_TRY(digest_table(db, Family::kMain, keys::kJournal, info.ref, true, digest.journal));
    SILT_TRY(digest_table(db, Family::kMain, keys::kHead, info.ref, true, digest.head));
    SILT_TRY(digest_table(db, Family::kMain, keys::kEvidence, info.ref, true, digest.evidence));
    SILT_TRY(digest_table(db, Family::kMain, keys::kPattern, info.ref, true, digest.patterns));
    SILT_TRY(digest_table(db, Family::kIndex, keys::kPosting, info.ref, false, digest.postings));
    SILT_TRY(digest_table(db, Family::kIndex, keys::kTime, info.ref, false, digest.times));
    out.push_back(std::move(digest));
  }
  std::sort(out.begin(), out.end(), [](const SourceDigest& a, const SourceDigest& b) {
    return std::tie(a.tenant, a.name) < std::tie(b.tenant, b.name);
  });
  return out;
}

}  // namespace silt::daemon
