// View: incidents and digests as the API shows them, and so every door, webhook and mail: in words, with records that show
// them. Names and patterns are escaped; texts of records are raw bytes.
#pragma once

#include "daemon/store/fold_store.h"
#include "daemon/store/record_log.h"
#include "daemon/watch/board.h"
#include "daemon/watch/digest.h"
#include "daemon/watch/shown_sources.h"
#include "proto/silt/v1/watch.pb.h"

namespace silt::watch {

// Of one telling: what it has read of the store it keeps. All must outlive it.
class IncidentView {
 public:
  // Changes of other sources than `sources` are not shown.
  IncidentView(const Sources& sources, const store::RecordLog& log, const store::FoldStore& folds)
      : sources_(sources), log_(log), patterns_(folds) {}

  // False: nothing of it may be shown.
  bool write(const Incident& incident, silt::v1::Incident& out);

 private:
  void write(const Change& change, silt::v1::Change& out);

  const Sources& sources_;
  const store::RecordLog& log_;
  PatternTexts patterns_;
};

// `sources` has all that the digest names.
void write(const Digest& digest, DigestSpan span, const Sources& sources, silt::v1::DigestResponse& out);

}  // namespace silt::watch
