// A journal that has what a test says: sources and their heads, no records.
#pragma once

#include <string>
#include <vector>

#include "daemon/store/record_log.h"

namespace silt::testing {

class FakeLog final : public store::RecordLog {
 public:
  using SourceInfo = store::SourceInfo;
  using SourceRef = store::SourceRef;
  using Seq = store::Seq;
  struct Entry {
    SourceInfo info;
    store::IntakeHead head;
    std::vector<store::Gap> gaps = {};
  };
  std::vector<Entry> entries;

  std::vector<SourceInfo> sources() const override {
    std::vector<SourceInfo> infos;
    for (const Entry& entry : entries) infos.push_back(entry.info);
    return infos;
  }
  Result<SourceInfo> source(SourceRef ref) const override {
    for (const Entry& entry : entries) {
      if (entry.info.ref == ref) return entry.info;
    }
    return not_found("no such source");
  }
  Result<store::IntakeHead> intake_head(SourceRef source) const override {
    for (const Entry& entry : entries) {
      if (entry.info.ref == source) return entry.head;
    }
    return not_found("no such source");
  }
  Result<SourceInfo> open_source(const std::string&, const std::string&, const std::string&) override {
    return unimplemented("fake");
  }
  Status append(const store::GroupAppend&) override { return unimplemented("fake"); }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string&) const override {
    return unimplemented("fake");
  }
  Result<store::BlockPtr> block_after(SourceRef, Seq) const override { return unimplemented("fake"); }
  Result<store::JournalRecord> read(SourceRef, Seq) const override { return unimplemented("fake"); }
  Result<std::vector<store::Gap>> gaps(SourceRef source) const override {
    for (const Entry& entry : entries) {
      if (entry.info.ref == source) return entry.gaps;
    }
    return not_found("no such source");
  }
  Status append_shed_mark(SourceRef, const store::ShedMark&) override { return unimplemented("fake"); }
  Result<std::vector<store::ShedMark>> shed_marks(SourceRef, Seq) const override {
    return unimplemented("fake");
  }
};

}  // namespace silt::testing
