#include "daemon/answer/meaning/pattern_vectors.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "daemon/answer/meaning/packed_vector.h"
#include "daemon/store/hash64.h"

namespace silt::answer::meaning {
namespace {

constexpr std::size_t kPatternsOfHelp = 4;  // between looks at the clock
constexpr int kLaterNice = 10;  // less would stand still beside a learner that never rests
constexpr std::size_t kTextMax = 400;  // bytes; what the encoder takes in is mostly less

// Where the first words of the template stand in the record.
std::size_t begin_of(std::string_view pattern, std::string_view record) {
  std::size_t at = 0;
  while (at < pattern.size()) {
    const std::size_t mark = std::min(pattern.find('<', at), pattern.size());
    std::string_view literal = pattern.substr(at, mark - at);
    while (literal.starts_with(' ')) literal.remove_prefix(1);
    while (literal.ends_with(' ')) literal.remove_suffix(1);
    if (literal.size() > 2) {
      std::size_t begin = record.find(literal);
      if (begin == std::string_view::npos || begin > 200) return 0;
      if (at > 0 && begin > 1) begin = record.rfind(' ', begin - 2) + 1;  // with the value before them
      return begin;
    }
    const std::size_t close = pattern.find('>', mark);
    if (close == std::string_view::npos) return 0;
    at = close + 1;
  }
  return 0;
}

// Whether the source may have patterns that were not there, or have another text, since it was looked at. Texts
// change with what comes in, and less and less often.
bool is_due(std::uint64_t patterns, store::Seq folded_seq, const store::FoldHead& head) {
  return head.patterns != patterns || head.folded_seq < folded_seq || head.folded_seq > folded_seq + folded_seq / 4;
}

}  // namespace

std::string text_of(std::string_view pattern, std::string_view first_record) {
  if (first_record.empty()) return std::string(pattern.substr(0, kTextMax));
  return std::string(first_record.substr(begin_of(pattern, first_record), kTextMax));
}

PatternVectors::~PatternVectors() {
  stop();
}

void PatternVectors::start(When when) {
  const std::scoped_lock lock(mutex_);
  if (when == When::kNow) begin();
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes_[lane].thread = std::thread([this, lane] { run(lane); });
}

void PatternVectors::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_up_.notify_all();
  for (Lane& lane : lanes_) {
    if (lane.thread.joinable()) lane.thread.join();
  }
}

void PatternVectors::queue(std::size_t lane, store::SourceRef source) {
  if (!queued_.insert(source).second) return;
  lanes_[lane].queue.push_back(source);
  wake_up_.notify_all();
}

void PatternVectors::begin() {
  begun_ = true;
  for (const store::SourceInfo& source : deps_.log.sources()) queue(kSoon, source.ref);
}

void PatternVectors::ready(std::span<const store::SourceRef> sources) {
  const std::scoped_lock lock(mutex_);
  if (!begun_) return;
  for (const store::SourceRef source : sources) queue(kSoon, source);
}

std::size_t PatternVectors::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queued_.size();
}

std::shared_ptr<const model::Encoder> PatternVectors::encoder() const {
  const std::scoped_lock lock(mutex_);
  return encoder_;
}

void PatternVectors::run(std::size_t lane) {
  if (lane == kLater) ::setpriority(PRIO_PROCESS, 0, kLaterNice);  // of this thread
  std::deque<store::SourceRef>& queue_of_lane = lanes_[lane].queue;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_up_.wait(lock, [&] { return stopping_ || !queue_of_lane.empty(); });
    if (stopping_) return;
    const store::SourceRef source = queue_of_lane.front();
    queue_of_lane.pop_front();
    queued_.erase(source);
    lock.unlock();
    const Result<bool> more = turn(source);
    if (!more.is_ok()) log::warning("patterns are not encoded", {{"error", more.status().message()}});
    lock.lock();
    if (more.is_ok() && *more) queue(known_[source].table->size() < kFirst ? kSoon : kLater, source);
  }
}

Status PatternVectors::open() {
  const std::scoped_lock opening(open_mutex_);
  if (encoder()) return Status::ok();
  SILT_ASSIGN(std::shared_ptr<const model::Encoder> made, deps_.open());
  const std::uint64_t hash = store::hash64(made->fingerprint());
  const std::scoped_lock lock(mutex_);
  encoder_ = std::move(made);
  encoder_hash_ = hash;
  return Status::ok();
}

// Finds out which patterns have no vector.
Status PatternVectors::look(store::SourceRef source, const store::FoldHead& head, std::uint64_t generation) {
  std::vector<store::PatternRow> patterns;
  SILT_TRY(deps_.evidence.patterns(source, patterns));
  std::stable_sort(patterns.begin(), patterns.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  if (patterns.size() > kPatternsMax) patterns.resize(kPatternsMax);
  std::vector<store::VectorRow> rows;
  SILT_TRY(deps_.vectors.vectors(source, encoder_hash_, rows));
  Known known;
  known.patterns = head.patterns;
  known.folded_seq = head.folded_seq;
  known.generation = generation;
  for (store::VectorRow& row : rows) {
    if (is_packed(row.bytes, static_cast<std::size_t>(encoder_->width()))) known.table->emplace(row.pattern, std::move(row));
  }
  for (auto row = patterns.rbegin(); row != patterns.rend(); ++row) {
    const auto found = known.table->find(row->id);
    if (found == known.table->end() || found->second.text_hash != store::hash64(row->text)) known.left.push_back(row->id);
  }
  const std::scoped_lock lock(mutex_);
  if (patterns.empty()) known_.erase(source);  // deleted, or its fold begins again
  else known_[source] = std::move(known);
  return Status::ok();
}

std::vector<store::PatternId> PatternVectors::take(store::SourceRef source, std::size_t most) {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(source);
  if (found == known_.end()) return {};
  std::vector<store::PatternId>& left = found->second.left;
  const auto begin = left.end() - static_cast<std::ptrdiff_t>(std::min(most, left.size()));
  std::vector<store::PatternId> out(begin, left.end());
  left.erase(begin, left.end());
  return out;
}

Result<std::vector<store::VectorRow>> PatternVectors::encode(store::SourceRef source, std::span<const store::PatternId> patterns) const {
  std::vector<store::VectorRow> rows;
  std::vector<std::string> texts;
  for (const store::PatternId id : patterns) {
    SILT_ASSIGN(const store::PatternRow pattern, deps_.evidence.pattern(source, id));
    const auto record = deps_.log.read(source, pattern.first_seq);  // may be gone
    texts.push_back(text_of(pattern.text, record.is_ok() ? std::string_view(record->text) : std::string_view()));
    rows.push_back({id, store::hash64(pattern.text), ""});
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<float> vectors;
  SILT_TRY(encoder_->encode(views, vectors));
  const auto width = static_cast<std::size_t>(encoder_->width());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].bytes = pack(std::span(vectors).subspan(i * width, width));
  return rows;
}

Result<bool> PatternVectors::turn(store::SourceRef source, std::size_t most) {
  SILT_TRY(open());
  const std::uint64_t generation = deps_.folds.fold_generation(source);
  SILT_ASSIGN(const store::FoldHead head, deps_.folds.fold_head(source));
  bool due = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(source);
    due = found == known_.end() || found->second.generation != generation ||
          (found->second.left.empty() && is_due(found->second.patterns, found->second.folded_seq, head));
  }
  if (due) SILT_TRY(look(source, head, generation));
  const std::vector<store::PatternId> patterns = take(source, most);
  if (patterns.empty()) return false;
  SILT_ASSIGN(std::vector<store::VectorRow> rows, encode(source, patterns));
  if (deps_.folds.fold_generation(source) != generation) return true;  // its texts may be forgotten
  SILT_TRY(deps_.vectors.put_vectors(source, encoder_hash_, rows));
  const std::scoped_lock lock(mutex_);
  Known& known = known_[source];
  if (known.table.use_count() > 1) known.table = std::make_shared<VectorTable>(*known.table);
  for (store::VectorRow& row : rows) known.table->insert_or_assign(row.pattern, std::move(row));
  return !known.left.empty();
}

const store::SourceRef* PatternVectors::neediest(std::span<const store::SourceRef> sources, std::size_t depth) const {
  const std::scoped_lock lock(mutex_);
  const store::SourceRef* out = nullptr;
  std::size_t fewest = depth;
  for (const store::SourceRef& source : sources) {
    const auto found = known_.find(source);
    const bool lacks = found == known_.end() || !found->second.left.empty();
    const std::size_t has = found == known_.end() ? 0 : found->second.table->size();
    if (!lacks || has >= fewest) continue;
    fewest = has;
    out = &source;
  }
  return out;
}

void PatternVectors::help(std::vector<store::SourceRef> sources, std::size_t depth, std::chrono::steady_clock::time_point deadline) {
  if (!encoder()) return;
  while (std::chrono::steady_clock::now() < deadline) {
    const store::SourceRef* source = neediest(sources, depth);
    if (source == nullptr) return;
    const Result<bool> more = turn(*source, kPatternsOfHelp);
    if (!more.is_ok()) return;
    if (!*more) sources.erase(sources.begin() + (source - sources.data()));
  }
}

std::shared_ptr<const VectorTable> PatternVectors::of(store::SourceRef source) {
  static const auto kNone = std::make_shared<const VectorTable>();
  const std::scoped_lock lock(mutex_);
  if (!begun_) begin();
  const auto found = known_.find(source);
  return found == known_.end() ? kNone : std::shared_ptr<const VectorTable>(found->second.table);
}

}  // namespace silt::answer::meaning
