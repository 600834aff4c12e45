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

constexpr std::size_t kPatternsInTurn = 32;
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

}  // namespace

std::string text_of(std::string_view pattern, std::string_view first_record) {
  if (first_record.empty()) return std::string(pattern.substr(0, kTextMax));
  return std::string(first_record.substr(begin_of(pattern, first_record), kTextMax));
}

PatternVectors::PatternVectors(Dependencies dependencies)
    : deps_(std::move(dependencies)), encoder_hash_(store::hash64(deps_.encoder->fingerprint())) {}

PatternVectors::~PatternVectors() {
  stop();
}

void PatternVectors::start() {
  std::vector<store::SourceRef> all;
  for (const store::SourceInfo& source : deps_.log.sources()) all.push_back(source.ref);
  ready(all);
  thread_ = std::thread([this] { run(); });
}

void PatternVectors::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_up_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PatternVectors::ready(std::span<const store::SourceRef> sources) {
  {
    const std::scoped_lock lock(mutex_);
    for (const store::SourceRef source : sources) {
      if (queued_.insert(source).second) queue_.push_back(source);
    }
  }
  wake_up_.notify_one();
}

std::size_t PatternVectors::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queued_.size();
}

void PatternVectors::run() {
  ::setpriority(PRIO_PROCESS, 0, 19);  // of this thread
  std::unique_lock lock(mutex_);
  while (true) {
    wake_up_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const store::SourceRef source = queue_.front();
    queue_.pop_front();
    queued_.erase(source);
    lock.unlock();
    const Result<bool> more = turn(source);
    if (!more.is_ok()) log::warning("patterns are not encoded", {{"error", more.status().message()}});
    lock.lock();
    if (more.is_ok() && *more && queued_.insert(source).second) queue_.push_back(source);
  }
}

Result<bool> PatternVectors::turn(store::SourceRef source) {
  std::vector<store::PatternRow> patterns;
  SILT_TRY(deps_.evidence.patterns(source, patterns));
  std::erase_if(patterns, [](const store::PatternRow& row) { return row.merged_into != 0; });
  if (patterns.empty()) forget(source);  // deleted, or its fold begins again
  std::stable_sort(patterns.begin(), patterns.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  if (patterns.size() > kPatternsMax) patterns.resize(kPatternsMax);
  const auto table = of(source);
  std::erase_if(patterns, [&](const store::PatternRow& row) {
    const auto found = table->find(row.id);
    return found != table->end() && found->second.text_hash == store::hash64(row.text);
  });
  if (patterns.empty()) return false;
  const bool more = patterns.size() > kPatternsInTurn;
  if (more) patterns.resize(kPatternsInTurn);
  std::vector<store::VectorRow> rows;
  for (const store::PatternRow& pattern : patterns) {
    const auto record = deps_.log.read(source, pattern.first_seq);  // may be gone
    const std::string text = text_of(pattern.text, record.is_ok() ? std::string_view(record->text) : std::string_view());
    SILT_ASSIGN(const std::vector<float> vector, deps_.encoder->encode(text));
    rows.push_back({pattern.id, store::hash64(pattern.text), pack(vector)});
  }
  SILT_TRY(deps_.vectors.put_vectors(source, encoder_hash_, rows));
  const std::scoped_lock lock(mutex_);
  ++known_[source].version;
  return more;
}

void PatternVectors::forget(store::SourceRef source) {
  const std::scoped_lock lock(mutex_);
  known_.erase(source);
}

std::shared_ptr<const VectorTable> PatternVectors::of(store::SourceRef source) {
  std::uint64_t version = 0;
  {
    const std::scoped_lock lock(mutex_);
    const Known& known = known_[source];
    if (known.table && known.read_version == known.version) return known.table;
    version = known.version;
  }
  std::vector<store::VectorRow> rows;
  auto table = std::make_shared<VectorTable>();
  if (const Status read = deps_.vectors.vectors(source, encoder_hash_, rows); !read.is_ok())
    log::warning("vectors are not read", {{"error", read.message()}});
  for (store::VectorRow& row : rows) {
    if (is_packed(row.bytes, static_cast<std::size_t>(deps_.encoder->width()))) table->emplace(row.pattern, std::move(row));
  }
  const std::scoped_lock lock(mutex_);
  Known& known = known_[source];
  known.table = table;
  known.read_version = version;
  return table;
}

}  // namespace silt::answer::meaning
