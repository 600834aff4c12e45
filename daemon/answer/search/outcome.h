// Outcome: what a query found. Numbers are computed, never guessed; a limit that was reached is said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/query.h"
#include "daemon/store/record.h"

namespace silt::answer::search {

// A record to cite.
struct Hit {
  std::size_t source = 0;  // index in the sources searched
  store::Seq seq = 0;
  std::int64_t event_us = 0;
  store::PatternId pattern = 0;
  std::string text;
  std::string value;       // of the operand, when there is one
};

struct Group {
  std::string value;
  std::uint64_t count = 0;
  Hit example;             // the first record of it
  std::optional<double> number;  // of sum, average, ... by a group
};

struct PatternCount {
  std::size_t source = 0;
  store::PatternId pattern = 0;
  std::uint64_t count = 0;
  store::Seq first_seq = 0;
  store::Seq last_seq = 0;
  std::int64_t first_us = 0;
};

struct Outcome {
  std::uint64_t matched = 0;
  std::uint64_t examined = 0;
  std::uint64_t total = 0;             // records of the sources in scope
  std::uint64_t damaged = 0;
  bool complete = true;                // false: the time was up; counts are lower bounds
  std::optional<Hit> first;            // by event time
  std::optional<Hit> last;
  std::vector<Hit> sample;             // in order
  std::vector<PatternCount> patterns;  // most frequent first
  std::optional<double> value;         // what sum, average, ... computed
  std::string unit;
  std::uint64_t numbers = 0;           // records that had the number
  std::vector<Group> groups;           // of top, distinct, compare, histogram ...: as the operation orders them
  std::uint64_t grouped = 0;           // records that had the slot
  bool groups_cut = false;
  std::string paired_by;               // spans: the slot that told them apart; empty: one followed the other
  std::uint64_t open = 0;              // spans: starts without an end
  std::optional<Hit> from;             // gap and duration: both ends; of min and max: the record
  std::optional<Hit> to;
};

}  // namespace silt::answer::search
