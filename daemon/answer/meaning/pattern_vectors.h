// PatternVectors: the sentence vectors of patterns, made in the background, so that a question costs one
// encoding of itself.
//
// Patterns without a vector are encoded, the most frequent ones of each source first and a few of each source in
// turn, and kept in the store. Two threads do it: one of usual priority the first kFirst of each source, which
// tell sources apart, one of low priority the others. A source has kPatternsMax at most. Nothing that is
// learned or counted depends on vectors.
//
// Who asks lends a hand: what a question needs and is not there yet is encoded on its own thread, for a while.
//
// The encoder is opened for the first pattern: who counts and never asks does not pay for it.
//
// ready(), of(), help() and waiting() from any thread; start() and stop() from one. A failure of the store is reported to
// the log and ends the work on that source until it is ready again; an encoder that cannot be opened ends all.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/vector_store.h"
#include "model/encoder/encoder.h"

namespace silt::answer::meaning {

// Of one source, by pattern; bytes are packed vectors (packed_vector.h).
using VectorTable = std::unordered_map<store::PatternId, store::VectorRow>;

// What is encoded of a pattern: its first record without what stands before its message.
std::string text_of(std::string_view pattern, std::string_view first_record);

class PatternVectors {
 public:
  static constexpr std::size_t kPatternsMax = 4096;
  static constexpr std::size_t kFirst = 256;  // one of the depths at which meanings of sources are compared
  using OpenEncoder = std::function<Result<std::shared_ptr<const model::Encoder>>()>;

  struct Dependencies {
    const store::RecordLog& log;
    const store::EvidenceStore& evidence;
    const store::FoldStore& folds;
    store::VectorStore& vectors;
    OpenEncoder open;
  };
  explicit PatternVectors(Dependencies dependencies) : deps_(std::move(dependencies)) {}
  ~PatternVectors();  // stops

  enum class When : std::uint8_t { kNow, kAsked };
  // kAsked: nothing is encoded before the first of().
  void start(When when);
  void stop();
  // These sources may have new patterns.
  void ready(std::span<const store::SourceRef> sources);
  static constexpr std::size_t kPatternsInTurn = 16;  // the least depth at which meanings of sources are compared
  // Encodes some patterns of a source, without a thread; false: none are left.
  Result<bool> turn(store::SourceRef source, std::size_t most = kPatternsInTurn);
  // Encodes on the caller's thread until each source has vectors of `depth` patterns, or of all, or the time has
  // come; those first that have the fewest. Returns at once while the encoder is not open.
  void help(std::vector<store::SourceRef> sources, std::size_t depth, std::chrono::steady_clock::time_point deadline);

  // Null before the first turn.
  std::shared_ptr<const model::Encoder> encoder() const;
  // What there is of a source now; never null. Empty before the source's first turn.
  std::shared_ptr<const VectorTable> of(store::SourceRef source);
  // Sources with work left.
  std::size_t waiting() const;

 private:
  struct Known {
    std::shared_ptr<VectorTable> table = std::make_shared<VectorTable>();  // changed in place while nobody else has it
    std::vector<store::PatternId> left;                                    // to be encoded, most frequent last
    std::uint64_t patterns = 0;                                            // when `left` was made
    store::Seq folded_seq = 0;
    std::uint64_t generation = 0;  // of the fold
  };
  struct Lane {
    std::deque<store::SourceRef> queue;
    std::thread thread;
  };
  enum : std::size_t { kSoon, kLater, kLanes };

  void run(std::size_t lane);
  void queue(std::size_t lane, store::SourceRef source);  // mutex_ held
  void begin();                                           // mutex_ held
  Status open();
  Status look(store::SourceRef source, const store::FoldHead& head, std::uint64_t generation);
  std::vector<store::PatternId> take(store::SourceRef source, std::size_t most);
  // The source with the fewest vectors of those that lack some; null: none does.
  const store::SourceRef* neediest(std::span<const store::SourceRef> sources, std::size_t depth) const;
  Result<std::vector<store::VectorRow>> encode(store::SourceRef source, std::span<const store::PatternId> patterns) const;

  Dependencies deps_;
  std::mutex open_mutex_;     // held while the encoder is opened
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_up_;
  std::shared_ptr<const model::Encoder> encoder_;
  std::uint64_t encoder_hash_ = 0;
  std::array<Lane, kLanes> lanes_;
  std::set<store::SourceRef> queued_;
  std::map<store::SourceRef, Known> known_;
  bool begun_ = false;
  bool stopping_ = false;
};

}  // namespace silt::answer::meaning
