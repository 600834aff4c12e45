// The checks that scripts/test-gpu runs, one table row each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/model.h"

namespace silt::model {

struct CheckContext {
  std::shared_ptr<const Model> model;
  std::vector<std::string> logs;  // real text, where there is some
  bool quick = false;             // fewer steps: for runs under a checking tool
  std::size_t lanes = 0;          // of check_kernels: so many, 2 to 9, instead of all numbers; 0: all
};

struct CheckRow {
  std::string what, measured, wanted;
  bool passed = false;
};
using CheckRows = std::vector<CheckRow>;

// Every kernel on little work: what tools that watch each access of a GPU can run to the end.
Status check_kernels(const CheckContext& context, CheckRows& rows);
// Learned nats against the float32 reference on five streams.
Status check_agreement(const CheckContext& context, CheckRows& rows);
// The first step's change of the weights against the reference's.
Status check_gradient(const CheckContext& context, CheckRows& rows);
// A source alone and among 255 others, in any order.
Status check_lanes(const CheckContext& context, CheckRows& rows);
// Saved, loaded, moved to the processor and back; snapshots that are read while learning goes on.
Status check_states(const CheckContext& context, CheckRows& rows);
// With recall and frozen scores, against the processor; the open mini-batch's bits.
Status check_scores(const CheckContext& context, CheckRows& rows);
// Texts scored and continued under snapshots.
Status check_reader(const CheckContext& context, CheckRows& rows);
// A device that is lost at any call.
Status check_loss(const CheckContext& context, CheckRows& rows);

// Nets with TTT layers, against the references in float32 and float64.
Status check_mixers(const CheckContext& context, CheckRows& rows);

}  // namespace silt::model
