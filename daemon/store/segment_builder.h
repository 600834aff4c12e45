// Makes a segment of records: columns instead of lines. Which columns pay is found out by looking at the
// values; no format of a log is known here.
//
// One thread. Memory is kept from segment to segment, up to a few MiB.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/record.h"
#include "daemon/store/record_rows.h"
#include "daemon/store/segment_header.h"
#include "daemon/store/shape_table.h"

namespace silt::store {

// Adds the terms of a text, under which search shall find it, to `out`, which is empty before. The text is
// a line, or tokens of one and what stands between them: what is special only at a line's start, such as
// its timestamp, must be a term like any other here, or a filter will deny what a line has.
using TermsOf = std::function<void(std::string_view text, std::vector<std::string>& out)>;

class SegmentBuilder {
 public:
  // Records follow each other without a gap in seq. Tokens are ascending and do not overlap; they only
  // decide how short the segment becomes, never what comes back. The caller finishes before
  // kSegmentRecordsMax or kSegmentTextBytesMax would be passed.
  void add(const RecordView& record, const FoldMark& mark, std::span<const TokenSpan> tokens);

  std::size_t records() const { return rows_.size.size(); }
  std::size_t raw_bytes() const { return texts_.size(); }  // of texts
  Seq first_seq() const { return first_seq_; }
  Seq last_seq() const { return first_seq_ + records() - 1; }

  // The segment's bytes, proved: they were decoded again, and all of it was what had been added. Then the
  // builder is empty again, whatever the result; a failed proof is kInternal.
  Result<std::string> finish(const TermsOf& terms_of);

 private:
  std::string encode(const TermsOf& terms_of) const;
  Status prove(std::string bytes_of_segment) const;
  void clear();

  Seq first_seq_ = 0;
  std::string texts_;
  std::string attributes_;
  RecordRows rows_;
  ShapeTable table_;
  std::vector<std::uint32_t> shape_of_;  // of each record
  std::vector<FoldMark> marks_;
  std::vector<ValueRef> attribute_of_;  // in attributes_
  std::vector<std::string> places_;
};

}  // namespace silt::store
