// EvidenceReader: answers a question from numbered lines by the reader, held to EvidenceGrammar.
//
// An answer depends on weights, lines and question only (line_writer.h). Log lines are data here: whatever
// they say, what comes out is whole words of a line and numbers of lines that have them. Safe from any
// thread; calls take turns.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "daemon/answer/evidence_grammar.h"
#include "daemon/answer/findings.h"
#include "daemon/answer/line_writer.h"
#include "model/model.h"

namespace silt::answer {

// Whether the weights say that they answer better than the rules do: metadata `evidence_reader` is "yes".
bool reads_evidence(const model::Model& model);

// The reader abstains already when "none" surprises it by less than this (nats, the newline included). Chosen on
// 400 items of seeds and wordings of their own, as the least that finds 0.95 of those without an answer.
inline constexpr double kNoneNats = 2.5;

class EvidenceReader {
 public:
  static Result<std::unique_ptr<EvidenceReader>> create(std::shared_ptr<const model::Model> model,
                                                        const model::BackendOptions& backend,
                                                        double none_nats = kNoneNats);

  // The values of the lines that answer the question; none when the reader doubts that a line has one. Nothing when the reader
  // came to no end, or there is no line or no question. Lines are best first; what is read of them is what
  // show_evidence() shows. `cancelled` becoming true ends it with kCancelled.
  Result<std::optional<std::vector<EvidenceValue>>> read(std::span<const std::string> lines,
                                                         std::string_view question,
                                                         const std::atomic<bool>& cancelled);

 private:
  EvidenceReader(std::unique_ptr<LineWriter> writer, double none_nats)
      : writer_(std::move(writer)), none_nats_(none_nats) {}

  std::unique_ptr<LineWriter> writer_;
  double none_nats_;
};

// Lets the reader say what the first records have, best first: records that it cites come first with the
// value that it took from them, the others of those that were shown have none. False: it came to no end, and
// nothing changed.
Result<bool> take_values(EvidenceReader& reader, std::string_view question,
                         const std::atomic<bool>& cancelled, std::vector<Finding>& records);

}  // namespace silt::answer
