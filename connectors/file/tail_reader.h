// TailReader: what does it say? Reads one generation from its position on, after proving that the
// file still holds what was read before, and turns the bytes into records.
//
// Nothing is carried from read to read but the position: an unfinished line is read again when the
// file has grown. Memory is one buffer of a batch, however long lines, holes and files are.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "connectors/connector.h"
#include "connectors/file/generation.h"

namespace silt::connectors {

class TailReader {
 public:
  enum class Outcome {
    kEnd,        // nothing more to read for now
    kMore,       // read on
    kTruncated,  // the file does not hold what we read: another generation took its place
  };

  // Adds records of the open generation and moves its position, both untouched when it was
  // truncated or the read failed. With `finishing` set, a rest without a line end is the last record.
  Result<Outcome> read(Generation& generation, const ReadLimits& limits, Batch& out);

  // Adds the record that tells of the generation's lost bytes, which are then settled.
  void report_loss(Generation& generation, Batch& out);

  // Bytes that report_loss() told of since the last call.
  std::uint64_t take_reported() { return std::exchange(reported_bytes_, 0); }

  // Takes the digest of the last bytes before generation.offset from the file.
  static Status renew_tail(Generation& generation);

 private:
  struct Window {
    std::uint64_t begin = 0;  // file offset of bytes[0]
    std::uint64_t from = 0;   // file offset of what is to be read
    std::string_view bytes;   // proof, then what is new
    std::string_view fresh() const { return bytes.substr(from - begin); }
  };

  Result<Window> load(const Generation& generation, const ReadLimits& limits);
  static bool proves(const Generation& generation, const Window& window);
  void split(Generation& generation, const Window& window, const ReadLimits& limits, Batch& out);
  Status long_line(Generation& generation, const Window& window, const ReadLimits& limits, Batch& out);
  Status nul_run(Generation& generation, const Window& window, Batch& out);
  Status finish(Generation& generation, const ReadLimits& limits, Batch& out);
  Status add_cut_line(Generation& generation, std::uint64_t end, std::uint32_t flags,
                      const ReadLimits& limits, Batch& out);

  std::vector<char> buffer_;
  std::uint64_t reported_bytes_ = 0;
};

}  // namespace silt::connectors
