// Collectors: what is kept of the records that a query means, one per kind of operation.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/filter.h"
#include "daemon/answer/search/outcome.h"

namespace silt::answer::search {

// A record by its place: its text is read when the answer shows it.
struct Place {
  std::size_t source = 0;
  store::Seq seq = 0;
  std::int64_t event_us = 0;
  store::PatternId pattern = 0;

  Hit hit() const { return {source, seq, event_us, pattern, "", ""}; }
};
inline Place place_of(const RecordInHand& record, std::size_t source) {
  return {source, record.seq(), record.mark().event_us, record.mark().pattern};
}

// One thread at a time. Several of a kind may each take a share of the records, and are merged then.
class Collector {
 public:
  virtual ~Collector() = default;
  // Sources one after another, and their records in the order of their seqs.
  virtual void add(RecordInHand& record, std::size_t source) = 0;
  // An empty one for a share of the records that comes behind those that this one is given. Null: all must come
  // here.
  virtual std::unique_ptr<Collector> fork() const { return nullptr; }
  // What a fork collected. As if its records had been added here, but where groups are cut.
  virtual void merge(Collector& /*fork*/) {}
  // Whether add() looks at the text, or at slots, of every record: it is given those that can be read.
  virtual bool reads_text() const { return false; }
  virtual bool reads_slots() const { return false; }
  // Whether add_counts() may stand for records. They are of a pattern of which a record was added before,
  // perhaps one of a greater seq, and none of them is the first or last by time, nor among the first ones of all.
  virtual bool takes_counts() const { return false; }
  virtual void add_counts(const PatternCount& /*found*/) {}
  virtual void finish(Outcome& out) = 0;
};

Hit hit_of(RecordInHand& record, std::size_t source);

// Those that the query's operation needs, the one that counts included.
std::vector<std::unique_ptr<Collector>> collectors_for(const Query& query, const Limits& limits);

}  // namespace silt::answer::search
