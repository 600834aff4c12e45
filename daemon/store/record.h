// Records as the store hands them on: views into a block that was decoded as a whole.
//
// A block owns its bytes; views live as long as it. Moving a block keeps them valid.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace silt::store {

using Seq = std::uint64_t;        // dense per source, from 1; 0 means "before the first"
using PatternId = std::uint32_t;  // dense per source, from 1; 0 is the catch-all

// Where a record came from. `place` is bytes and is shown, never parsed: "/var/log/a.log",
// "journald:ssh.service", "jira:OPS-12". For files: generation of the file and byte range of the line.
struct OriginView {
  std::string_view place;
  std::uint64_t generation = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct RecordView {
  Seq seq = 0;
  std::int64_t arrival_us = 0;  // journal time: what policies decide by
  std::int64_t told_us = 0;     // event time told by the origin; 0: the text must say it
  std::string_view text;        // redacted bytes without the line end
  std::string_view attributes;  // encoded by attributes.h; empty: none
  OriginView origin;
  std::uint32_t flags = 0;      // connectors::RecordFlags
  std::uint64_t bytes_cut = 0;
};

// What the fold made of a record.
struct FoldMark {
  PatternId pattern = 0;
  std::int64_t event_us = 0;  // told, from the text, inherited, or the arrival time
  bool new_pattern = false;   // the first record of its pattern
};

class RecordBlock {
 public:
  RecordBlock() = default;
  RecordBlock(std::unique_ptr<const std::string[]> bytes, std::vector<RecordView> records)
      : bytes_(std::move(bytes)), records_(std::move(records)) {}

  std::span<const RecordView> records() const { return records_; }
  bool empty() const { return records_.empty(); }

 private:
  std::unique_ptr<const std::string[]> bytes_;  // what the views point into
  std::vector<RecordView> records_;
};

}  // namespace silt::store
