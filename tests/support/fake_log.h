// A journal that has what a test says: sources and their heads, no records.
#pragma once

#include <string>
#include <vector>

#include "daemon/store/record_log.h"

namespace silt::daemon {

class FakeLog final : public RecordLog {
 public:
  struct Entry {
    SourceInfo info;
    IntakeHead head;
  };
  std::vector<Entry> entries;

  std::vector<SourceInfo> sources() const override {
    std::vector<SourceInfo> infos;
    for (const Entry& entry : entries) infos.push_back(entry.info);
    return infos;
  }
  Result<IntakeHead> intake_head(SourceRef source) const override {
    for (const Entry& entry : entries) {
      if (entry.info.ref == source) return entry.head;
    }
    return not_found("no such source");
  }
  Result<SourceInfo> open_source(const std::string&, const std::string&, const std::string&) override {
    return unimplemented("fake");
  }
  Status append(JournalBatch&) override { return unimplemented("fake"); }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string&) const override {
    return unimplemented("fake");
  }
  Status read_after(SourceRef, Seq, std::uint64_t, std::uint32_t,
                    std::vector<JournalRecord>&) const override {
    return unimplemented("fake");
  }
  Result<JournalRecord> read(SourceRef, Seq) const override { return unimplemented("fake"); }
  Status append_shed_mark(SourceRef, const ShedMark&) override { return unimplemented("fake"); }
  Result<std::vector<ShedMark>> shed_marks(SourceRef, Seq) const override { return unimplemented("fake"); }
};

}  // namespace silt::daemon
