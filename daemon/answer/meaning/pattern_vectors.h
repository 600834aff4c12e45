// PatternVectors: the sentence vectors of patterns, made in the background, so that a question costs one
// encoding of itself.
//
// A thread of the lowest priority encodes patterns that have no vector yet, the most frequent ones of each
// source first and a few of each source in turn, and keeps them in the store. A source has
// kPatternsMax at most. Nothing that is learned or counted depends on vectors.
//
// ready(), of() and waiting() from any thread; start() and stop() from one. A failure of the store is
// reported to the log and ends the work on that source until it is ready again.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "base/status.h"
#include "daemon/store/evidence_store.h"
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

  struct Dependencies {
    const store::RecordLog& log;
    const store::EvidenceStore& evidence;
    store::VectorStore& vectors;
    std::shared_ptr<const model::Encoder> encoder;
  };
  explicit PatternVectors(Dependencies dependencies);
  ~PatternVectors();  // stops

  void start();
  void stop();
  // These sources may have new patterns.
  void ready(std::span<const store::SourceRef> sources);
  // Encodes some patterns of a source, without a thread; false: none are left.
  Result<bool> turn(store::SourceRef source);

  const model::Encoder& encoder() const { return *deps_.encoder; }
  // What there is of a source now; never null.
  std::shared_ptr<const VectorTable> of(store::SourceRef source);
  // Sources with work left.
  std::size_t waiting() const;

 private:
  struct Known {
    std::uint64_t version = 0;  // counts what was added
    std::uint64_t read_version = 0;
    std::shared_ptr<const VectorTable> table;  // of read_version
  };
  void run();
  void forget(store::SourceRef source);

  Dependencies deps_;
  std::uint64_t encoder_hash_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_up_;
  std::deque<store::SourceRef> queue_;
  std::set<store::SourceRef> queued_;
  std::map<store::SourceRef, Known> known_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace silt::answer::meaning
