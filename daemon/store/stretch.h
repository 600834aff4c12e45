// A stretch of a source's records, read no further than it is asked for: queries look at headers first, then at
// marks, and at texts only where these decide.
//
// One thread at a time; different stretches of one source may be read by several. What it gave out lives as
// long as the stretch, unless it is said otherwise. Damage that shows late (a column that fails its check) is
// kDataLoss of that call. Texts are not compared with their SHA-256: whoever shows a record reads it again
// (RecordLog::read).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/record.h"
#include "daemon/store/segment_header.h"

namespace silt::store {

struct Block;
inline constexpr std::uint32_t kNoKind = ~std::uint32_t{0};

// What is known of sealed records without reading any.
struct StretchSummary {
  Seq last_seq = 0;
  std::int64_t min_event_us = 0;
  std::int64_t max_event_us = 0;
  std::vector<PatternStats> patterns;  // ascending by pattern; of all records
};

class Stretch {
 public:
  virtual ~Stretch() = default;

  virtual Seq first_seq() const = 0;
  virtual Seq last_seq() const = 0;
  std::size_t size() const { return static_cast<std::size_t>(last_seq() - first_seq() + 1); }
  // False: its records are not folded yet, nor are any behind them. It has no marks.
  virtual bool is_folded() const = 0;
  // Not empty: what is wrong with it; it has neither marks nor texts.
  virtual std::string_view damage() const { return {}; }
  virtual const StretchSummary* summary() const { return nullptr; }  // null: its records are not sealed

  // False: no text of the pattern, and no attribute of any record, holds this run of letters (of ASCII, in lower case,
  // or bytes that are not ASCII), in upper or lower case. True: perhaps one does.
  virtual Result<bool> may_hold(PatternId /*pattern*/, std::string_view /*letters*/) { return true; }

  // One a record.
  virtual Result<std::span<const FoldMark>> marks() = 0;
  // The times told by origins, one a record; 0: none.
  virtual Result<std::span<const std::int64_t>> told() = 0;
  // Each valid until its next call. Attributes are encoded (attributes.h); empty: none.
  virtual Result<std::string_view> text(std::size_t index) = 0;
  virtual Result<std::string_view> attributes(std::size_t index) = 0;

  // Texts of one kind have one length and differ in digits only (text_kinds.h). kNoKind: nothing is known.
  virtual Result<std::uint32_t> kind(std::size_t /*index*/) { return kNoKind; }
  // Of a record that has a kind: its text, in which digits outside [begin, end) may be those of another one of
  // the kind. Valid until the next call.
  virtual std::string_view text_part(std::size_t /*index*/, std::size_t /*begin*/, std::size_t /*end*/) { return {}; }
};
using StretchPtr = std::unique_ptr<Stretch>;

// Of a block that is decoded already.
StretchPtr stretch_of(std::shared_ptr<const Block> block);

}  // namespace silt::store
