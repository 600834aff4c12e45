// Metrics: what Prometheus reads of siltd. Every input has the same families; sources are summed up by input, so
// that their number makes no series. Log text is in none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "daemon/serve/health.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::serve {

// How many calls there were, how they ended and how long they took, of all doors. Safe from any thread.
class CallMeter {
 public:
  CallMeter();
  ~CallMeter();
  CallMeter(const CallMeter&) = delete;
  CallMeter& operator=(const CallMeter&) = delete;

  // `path` is a method of the table.
  void note(std::string_view path, Code code, double seconds);

 private:
  friend std::string to_metrics(const silt::v1::GetStatusResponse& status, const silt::v1::ListSourcesResponse& sources,
                                const Health& health, const CallMeter* calls);
  struct Families;
  const std::unique_ptr<Families> families_;
};

// Inputs beyond so many are summed up as one, "(others)".
inline constexpr std::size_t kInputsShownMax = 500;

// In Prometheus' text format. `status` and `sources` are what the caller may see; `calls` is null for who does not see
// the whole daemon.
std::string to_metrics(const silt::v1::GetStatusResponse& status, const silt::v1::ListSourcesResponse& sources,
                       const Health& health, const CallMeter* calls);

}  // namespace silt::serve
