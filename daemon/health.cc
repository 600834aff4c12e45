#include "daemon/health.h"

#include <algorithm>

namespace silt::daemon {
namespace {

using serve::Part;

constexpr std::int64_t kSilentMaxUs = 20'000'000;  // a thread may be so long in a mini-batch or a sync

Part part_of(const Heartbeat& thread, std::int64_t now_us, bool has_room) {
  Part part{.name = thread.thread, .ready = has_room, .state = has_room ? thread.state : "paused"};
  if (now_us - thread.last_progress_us >= kSilentMaxUs) {
    part.alive = part.ready = false;
    part.state = "silent";
    part.detail = "this thread makes no progress; siltd's log may say why";
  }
  return part;
}

Part part_of(const std::vector<intake::InputStatus>& inputs) {
  const auto works = [](const intake::InputStatus& input) { return input.state == "reading" || input.state == "waiting"; };
  const auto count = static_cast<std::size_t>(std::count_if(inputs.begin(), inputs.end(), works));
  const bool all = count == inputs.size();
  Part part{.name = "inputs", .ready = all, .state = all ? "reading" : "failing"};
  part.decides = false;  // one that fails keeps nobody from asking about the others
  part.detail = std::to_string(count) + " of " + std::to_string(inputs.size()) + " are read" + (all ? "" : "; `silt status` says why the others are not");
  return part;
}

}  // namespace

serve::Health health_of(std::int64_t now_us, bool has_room, std::span<const Heartbeat> threads,
                        const std::vector<intake::InputStatus>& inputs) {
  Part store{.name = "store", .ready = has_room, .state = has_room ? "open" : "full"};
  if (!has_room) store.detail = "less than store.free_mib_min is free: free space, or nothing more is read";
  serve::Health health{{std::move(store)}};
  for (const Heartbeat& thread : threads) health.parts.push_back(part_of(thread, now_us, has_room));
  health.parts.push_back(part_of(inputs));
  return health;
}

}  // namespace silt::daemon
