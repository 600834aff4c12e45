// What the parts of the learner are told, and what they count.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "daemon/fold/policy.h"
#include "daemon/store/types.h"

namespace silt::learn {

enum class OnMismatch { kRelearn, kStop };
enum class OnOtherBackend { kRelearn, kConvert };  // with a state that another backend learned
enum class OnDeviceLoss { kGoOn, kEnd };            // go on: as the learner's recover() can

struct LearnOptions {
  double cpu_share = 0.5;         // cores; 0: no limit
  int threads = 1;                // of the learner's backend, for the CPU share
  std::int64_t commit_ms = 1000;  // all work is durable and published after so long
  std::uint32_t commit_records_max = 4096;
  std::uint32_t quantum_records = 1024;  // one turn of a source: so many records or steps
  std::uint32_t quantum_steps = 8;
  // A state is stored only where its replay would take longer: when it leaves memory; when it has stayed
  // for blob_age_s; and the largest first when all in memory together have more than so many steps.
  std::int64_t replay_ms_max = 2000;
  std::int64_t blob_age_s = 600;
  std::uint32_t replay_steps_max = 1024;
  std::uint64_t resident_bytes_max = 512ull << 20;
  std::int64_t put_off_max_s = 30;               // so long may records wait for more that are worth a replay
  std::uint64_t backlog_bytes_max = 1ull << 30;  // of a source; beyond it records are only counted
  OnMismatch on_digest_mismatch = OnMismatch::kRelearn;
  OnOtherBackend on_other_backend = OnOtherBackend::kRelearn;
  OnDeviceLoss on_device_loss = OnDeviceLoss::kGoOn;
  std::string model_fingerprint;
  // By the source's connector: mode and budget.
  std::function<fold::PolicyConfig(const store::SourceInfo&)> policy = [](const store::SourceInfo&) {
    return fold::PolicyConfig();
  };
  // How many states in memory are a tenant's share (0: as many as there are), and what is called when one of more
  // goes before those of others.
  std::function<std::uint64_t(const std::string& tenant)> states_of_tenant = [](const auto&) { return 0; };
  std::function<void(const std::string& tenant)> on_over_share = [](const auto&) {};
  // On the store's disk. Without it nothing is learned, committed or stored but what a command asks for.
  std::function<bool()> has_room = [] { return true; };
  std::function<void(const Status&)> on_fatal = [](const Status&) {};
  std::function<void(std::string_view point)> at_point;  // tests die here
  void point(std::string_view name) const {
    if (at_point) at_point(name);
  }
};

struct LearnCounters {
  std::atomic<std::uint64_t> records{0}, tokens{0}, steps{0}, commits{0}, commit_us{0}, blobs{0}, blob_bytes{0};
  std::atomic<std::uint64_t> replayed_records{0}, replayed_steps{0}, evictions{0}, relearned_sources{0};
  std::atomic<std::uint64_t> shed_records{0}, damaged_records{0};
};

}  // namespace silt::learn
