// Asker: a question's way through the rooms, from its words to the messages of the API.
//
// Counts, times and values come from the store; what is quoted is read again from blocks whose hash is
// checked. Log text is data: it is escaped, and it chooses nothing. Safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/answer/assistant.h"
#include "daemon/answer/conversations.h"
#include "daemon/answer/meaning/pattern_vectors.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/profile_cache.h"
#include "daemon/store/fold_store.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::answer {

struct AskerOptions {
  std::int64_t time_max_us = 1'800'000;  // for looking at records; then the reply says how far it got
  int spare_threads = static_cast<int>(std::thread::hardware_concurrency()) - 1;  // for all questions that run
};

// What helps with questions beside the store; each may be null.
struct Helpers {
  meaning::PatternVectors* vectors = nullptr;
  Assistant* assistant = nullptr;
};

class Asker {
 public:
  using Emit = std::function<bool(const silt::v1::AskResponse&)>;

  Asker(const store::RecordLog& log, const store::EvidenceStore& evidence, const store::FoldStore& folds,
        const Clock& clock, const Helpers& helpers, const AskerOptions& options)
      : log_(log), evidence_(evidence), clock_(clock), helpers_(helpers), options_(options), profiles_(log, evidence, folds), spare_(options.spare_threads), conversations_(clock) {}

  search::ProfileCache& profiles() { return profiles_; }
  const store::EvidenceStore& evidence() const { return evidence_; }
  // Of a call that begins now.
  search::Limits limits_of(const access::Call& call, std::int32_t zone_s);

  // Emits the plan before records are looked at, then text and evidence. `sources` are those that the request
  // means and the asker sees. Versions and time are for the caller to fill in.
  Result<silt::v1::AskFinal> ask(const access::Call& call, const silt::v1::AskRequest& request,
                                 const std::vector<store::SourceInfo>& sources, const Emit& emit);

 private:
  // Emits text and evidence, and fills in what the reply says of itself.
  Status finish(const std::string& question, const reply::Judged& judged, const reply::Reply& reply, silt::v1::AskFinal& final,
                const Emit& emit) const;
  // Read again and checked; those that cannot be are counted.
  Result<std::vector<silt::v1::Citation>> verified(const reply::Judged& judged, const std::vector<search::Hit>& hits,
                                                   silt::v1::AskFinal& final) const;

  const store::RecordLog& log_;
  const store::EvidenceStore& evidence_;
  const Clock& clock_;
  Helpers helpers_;
  AskerOptions options_;
  search::ProfileCache profiles_;
  search::SpareThreads spare_;
  Conversations conversations_;
};

}  // namespace silt::answer
