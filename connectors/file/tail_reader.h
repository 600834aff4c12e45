// TailReader: what does it say? Reads one generation from its position on, after proving that the
// file still holds what was read before, and turns the bytes into records.
//
// Nothing is carried from read to read but the position: an unfinished line is read again when the
// file has grown, and so are whole lines whose record may go on: they are a record when another one begins
// or when none came for some time, and the position moves over whole records only. Memory is one buffer of a
// batch, however long lines, holes and files are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "connectors/batch_builder.h"
#include "connectors/connector.h"
#include "connectors/file/file_format.h"
#include "connectors/file/generation.h"
#include "connectors/record_cutter.h"
#include "connectors/record_rules.h"

namespace silt::connectors {

class TailReader {
 public:
  struct Now {
    std::int64_t monotonic_us = 0;
    std::int64_t wall_us = 0;
  };

  // Without rules every line is a record.
  TailReader(FileFormat format, std::shared_ptr<const RecordRules> rules, std::int64_t flush_us)
      : format_(format), rules_(std::move(rules)), flush_us_(flush_us) {}

  enum class Outcome {
    kEnd,        // nothing more to read for now
    kMore,       // read on
    kTruncated,  // the file does not hold what we read: another generation took its place
  };

  // Adds records of the open generation and moves its position, both untouched when it was
  // truncated; after a failed read the caller undoes both. With `finishing` set, a rest without a line
  // end is the last record. Lines that wait for their record to go on are told by generation.flush_at_us,
  // when they are to be read again. Those of a file that was not written for as long do not wait.
  Result<Outcome> read(Generation& generation, StreamWriter& out, const Now& now);

  // Adds the record that tells of the generation's lost bytes, which are then settled.
  void report_loss(Generation& generation, StreamWriter& out);
  // Adds the lines that waited for their record to go on when their file was truncated.
  void report_open(Generation& generation, StreamWriter& out);

  // Bytes that report_loss() told of, in all.
  std::uint64_t reported_bytes() const { return reported_bytes_; }
  void take_back_reported(std::uint64_t reported_before) { reported_bytes_ = reported_before; }
  // Bytes that were looked at, in all: a read may cost much and yield nothing.
  std::uint64_t looked_bytes() const { return looked_bytes_; }

  // By the first bytes of the open file, unless it is known.
  static Status note_encoding(Generation& generation);
  // Takes the digest of the last bytes before generation.offset from the file.
  static Status renew_tail(Generation& generation);

 private:
  struct Window {
    std::uint64_t begin = 0;  // file offset of bytes[0]
    std::uint64_t from = 0;   // file offset of what is to be read
    std::string_view bytes;   // proof, then what is new
    bool in_batch = false;    // the bytes are the batch's; otherwise they go with the next load
    std::size_t unit = 1;     // bytes of a code unit
    // Of whole units.
    std::string_view fresh() const {
      const std::string_view rest = bytes.substr(std::min(bytes.size(), from - begin));
      return rest.substr(0, rest.size() - rest.size() % unit);
    }
  };

  Result<Window> load(const Generation& generation, std::uint64_t size, StreamWriter& out);
  Result<bool> was_filled(Generation& generation, const ReadLimits& limits);
  void tell_origin(const Generation& generation, const FileLook& look, StreamWriter& out);
  std::span<const Attribute> attributes_of(std::string_view stream, StreamWriter& out);
  static void note_nuls(Generation& generation, const Window& window, std::uint64_t size);
  static bool is_repeated(const Generation& generation, const FileLook& look);
  static bool proves(const Generation& generation, const Window& window);
  Status read_on(Generation& generation, const Window& window, StreamWriter& out);
  void split(Generation& generation, const Window& window, StreamWriter& out);
  // Both return how many records they made, and move `origin` behind them.
  static std::uint64_t split_utf16(Encoding encoding, std::string_view fresh, Origin& origin, StreamWriter& out);
  std::uint64_t split_records(Generation& generation, const Window& window, std::string_view fresh,
                              Origin& origin, StreamWriter& out);
  std::unique_ptr<Cutter> cutter_of(std::string_view text, StreamWriter& out) const;
  void add_lines(const Cutter::Cut& found, std::uint64_t window_from, Origin origin, StreamWriter& out);
  bool settle_open(Generation& generation, const Window& window, const Cutter& cutter, std::uint64_t records);
  Status long_line(Generation& generation, const Window& window, StreamWriter& out);
  Status nul_run(Generation& generation, const Window& window, StreamWriter& out);
  Status finish(Generation& generation, StreamWriter& out);
  Status add_cut_line(Generation& generation, std::uint64_t end, std::uint32_t flags, StreamWriter& out);
  // `text` and `cause` are copied.
  void add_gap(const Generation& generation, std::uint64_t begin, std::uint64_t size, std::string_view text,
               std::string_view cause, StreamWriter& out);

  const FileFormat format_;
  const std::shared_ptr<const RecordRules> rules_;
  const std::int64_t flush_us_;
  Now now_;                  // of the read in hand
  bool wants_more_ = false;  // a record is longer than the window
  std::vector<Attribute> common_;  // of all records of the read in hand
  std::vector<std::pair<std::string_view, std::span<const Attribute>>> of_streams_;  // with the stream that they are of
  std::vector<char> buffer_;
  std::uint64_t reported_bytes_ = 0;
  std::uint64_t looked_bytes_ = 0;
};

}  // namespace silt::connectors
