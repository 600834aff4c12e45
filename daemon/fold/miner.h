// The miner: gives each line of one source a pattern, the part of it that stays the same.
//
// An online template miner of the Drain family (He et al., ICWS 2017): variables are masked by the
// scanner's token kinds, lines are routed by length and first words, and within a leaf the most
// similar template takes the line, its differing places becoming <*>. Own choices:
//   - only the message takes part: time, host, program and severity are fields of the scanned line;
//   - a place becomes <*> at once only where what differs looks like a value (digits, dotted names, users);
//     a plain word must have been seen in `words_per_place` forms while all else was the same ("session
//     opened for user <*>", but "HBM brightnessIn" and "HBM brightnessOut"). The patterns that this shows to
//     be one are merged: the oldest goes on, the others say into which (merged_into), and keep their counts;
//   - a word counts the less the more templates share it;
//   - JSON lines are routed by their keys.
//
// Deterministic: the state is a function of the lines in their order. Not for concurrent use; the
// learner thread owns one Miner per source. Memory is bounded by the limits below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/fold/scanner.h"

namespace silt::fold {

using PatternId = std::uint32_t;               // dense per source, from 1
inline constexpr PatternId kOtherPattern = 0;  // lines that came when every pattern was taken

struct MinerConfig {
  std::uint32_t max_patterns = 4096;
  std::uint32_t max_line_bytes = 3000;  // of a line that take part in its template
  std::uint32_t max_chunks = 80;        // words of a line that take part in its template
  std::uint32_t max_children = 100;     // distinct routing words per tree node
  std::uint32_t words_per_place = 4;    // forms of a plain word that make its place a variable
  std::uint32_t words_to_join = 4;      // plain words that must be the same for that
  double similarity = 0.7;              // least weighted share of equal words to join a pattern
};

struct Pattern {
  PatternId id = 0;
  std::string text;           // "Failed password for <*> from <ip> port <num>"
  std::string program;        // of its first line, when that has one: other programs may write it too
  PatternId merged_into = 0;  // not 0: turned out to be part of that one, and gets no more lines
  std::uint64_t count = 0;    // of lines while it was a pattern of its own
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::int64_t first_time_us = 0;  // of first_seq and last_seq: event times, not sorted
  std::int64_t last_time_us = 0;
  std::uint64_t example_seq = 0;  // the newest line that created or changed the template
};

struct Folded {
  PatternId pattern = kOtherPattern;
  std::uint64_t count = 0;  // lines of this pattern so far, this one included
  bool is_new = false;
  bool template_changed = false;  // true also when new; the id never changes
};

// One pattern as stored: rows of all patterns are the whole state of a Miner.
struct MinerRow {
  PatternId id = 0;
  std::string bytes;
};

class Miner {
 public:
  explicit Miner(const MinerConfig& config = {});
  ~Miner();
  Miner(Miner&&) noexcept;
  Miner& operator=(Miner&&) noexcept;

  // `time_us`: event time, or arrival where the line has none.
  Folded fold(const ScannedLine& line, std::uint64_t seq, std::int64_t time_us);
  Folded fold(std::string_view line, std::uint64_t seq, std::int64_t time_us);

  std::size_t size() const;  // ids given out, without "other"; merged ones count
  // nullptr when there is none; kOtherPattern exists once a line fell into it. Valid until the next
  // fold, load or take.
  const Pattern* find(PatternId id) const;

  // The pattern that `id` is by now: itself unless it was merged into another.
  PatternId resolve(PatternId id) const;

  // Rows touched since the last call, by ascending id.
  std::vector<MinerRow> take_dirty();
  // Rebuilds an empty miner from the newest row of each pattern, in any order. kDataLoss when rows
  // are damaged or ids are missing.
  Status load(const std::vector<MinerRow>& rows);

  // The whole state as one string (equal states give equal bytes), and back.
  std::string serialize() const;
  static Result<Miner> deserialize(std::string_view bytes, const MinerConfig& config = {});

  // Reads a row without a Miner, for lists of patterns.
  static Result<Pattern> decode_row(std::string_view bytes);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace silt::fold
