// PolicyHistory: which policy was in force for which records of a source, since its base.
//
// Part of every head (NetHead::learn_config), so that a replay decides as the first run did however
// often the configuration changed in between. Hence a changed configuration costs a few bytes, not a
// stored state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fold/policy.h"
#include "daemon/store/types.h"

namespace silt::learn {

struct PolicyChange {
  store::Seq after_seq = 0;       // in force for the records behind this one
  std::uint64_t after_bytes = 0;  // of journal text up to it
  fold::PolicyConfig config;
};

struct PolicyHistory {
  std::vector<PolicyChange> changes;  // ascending; the first one is at the base
  // What a source that has no net counted before its base, by outcome.
  std::vector<std::uint64_t> counted_before;

  // A source that starts at the base of `head` under `config`.
  static PolicyHistory from_base(const store::NetHead& head, const fold::PolicyConfig& config);

  // The config for the record behind `seq`, or that for `seq` itself.
  const fold::PolicyConfig& behind(store::Seq seq) const;
  const fold::PolicyConfig& at(store::Seq seq) const;
  const fold::PolicyConfig& newest() const { return changes.back().config; }
  // The first change behind `seq`; null: none.
  const PolicyChange* next(store::Seq seq) const;
};

std::string encode_history(const PolicyHistory& history);
// A history that cannot be read, or of no head: `fallback` since the head's base.
PolicyHistory decode_history(const store::NetHead& head, const fold::PolicyConfig& fallback);

bool same_policy(const fold::PolicyConfig& a, const fold::PolicyConfig& b);

}  // namespace silt::learn
