// The process that crash tests kill: reads files, journals, folds, learns and commits until it has
// processed N records, then stops in good order; or dies at the n-th passing of a named point.
//
//   pipeline_child STORE MODEL INCLUDE [key=value ...]
//     step=N       microseconds between the stamps of two records
//     finish=N     records after which it stops; 0: when it is killed
//     retention=N  bytes of segments that are kept of each source
//     changes=AT:FIRST:LAST:WHAT,...  once AT records of the first source are processed, these are left out ("rollback") or forgotten
//                                     ("forget"), each once
//     refused=PATH a file that keeps which rollbacks were refused, for retention has removed what they need: not tried again
//     backup=PATH  backups are made and removed all the time
//     reset=ID     then, with all that there is processed, the first source's net is reset, once
//     fold=1       and its fold
//     point=NAME count=N   dies at the n-th passing; "any" is any point
//     power=SEED   when it dies, its machine loses power, too: what was not synced is lost by chance
// Each passed point prints one byte.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/store/backup.h"
#include "tests/daemon/pipeline.h"
#include "tests/support/power_loss_env.h"

namespace {

using silt::testing::Pipeline;
using silt::testing::PipelineOptions;

class Death {
 public:
  Death(std::string point, long count, const std::string& power) : point_(std::move(point)), left_(count) {
    if (!power.empty()) seed_ = std::stoull(power);
    has_power_ = power.empty();
  }
  // Never null: without a loss it only spares the waits for the disk.
  rocksdb::Env* env() const { return env_.env(); }

  void pass(std::string_view point) {
    const std::lock_guard lock(mutex_);
    if ((point == point_ || point_ == "any") && --left_ <= 0) die();
    (void)!::write(STDOUT_FILENO, ".", 1);
  }

 private:
  void die() {
    if (!has_power_) {
      env_.cut();
      std::mt19937_64 random(seed_);
      env_.settle(random);
    }
    ::kill(::getpid(), SIGKILL);
  }

  std::mutex mutex_;  // whoever dies lets nobody else go on
  silt::testing::PowerLossEnv env_;
  const std::string point_;
  long left_;
  std::uint64_t seed_ = 0;
  bool has_power_ = true;
};

struct Change {
  std::uint64_t at = 0;
  silt::store::SeqRange range;
  std::string what;

  std::string id() const { return what + std::to_string(range.first) + "-" + std::to_string(range.last); }
  silt::Status carry_out(Pipeline& pipeline, const std::string& refused) const {
    if (what == "forget") return pipeline.forget(id(), range);
    std::ifstream known(refused);
    for (std::string line; std::getline(known, line);) {
      if (line == id()) return silt::Status::ok();
    }
    const silt::Status done = pipeline.roll_back(id(), range);
    if (refused.empty() || done.code() != silt::Code::kFailedPrecondition) return done;
    std::ofstream(refused, std::ios::app) << id() << std::endl;
    return silt::Status::ok();
  }
};

std::vector<Change> changes_of(const std::string& text) {
  std::vector<Change> out;
  std::istringstream all(text);
  for (std::string one; std::getline(all, one, ',');) {
    Change change;
    char colon = 0;
    std::istringstream(one) >> change.at >> colon >> change.range.first >> colon >> change.range.last >> colon >> change.what;
    out.push_back(change);
  }
  return out;
}

struct Work {
  std::uint64_t finish_at = 0;
  std::vector<Change> changes;
  std::string reset;   // a request id; empty: none
  silt::learn::ResetScope scope = silt::learn::ResetScope::kNet;  // of it
  std::string backup;  // a path; empty: none
  std::string refused;
};

int refused(const char* what, const silt::Status& status) {
  std::fprintf(stderr, "%s: %s\n", what, status.to_string().c_str());
  return 75;
}

silt::Status back_up(const Pipeline& pipeline, const std::string& path) {
  std::filesystem::remove_all(path);
  SILT_TRY(silt::store::make_backup(pipeline.store(), path, {}, 0).status());
  return silt::store::verify_backup(path).status();
}

int run(const PipelineOptions& options, const Work& work) {
  auto pipeline = Pipeline::create(options);
  if (!pipeline.is_ok()) {
    std::fprintf(stderr, "%s\n", pipeline.status().to_string().c_str());
    return 74;
  }
  (*pipeline)->start();
  const silt::Status resumed = (*pipeline)->forgetter().resume([](const auto&) {});
  if (!resumed.is_ok()) return refused("resume", resumed);
  for (std::size_t done = 0, look = 0;; ++look) {
    ::usleep(1000);
    if (!work.backup.empty() && look % 40 == 20) {
      const silt::Status backed_up = back_up(**pipeline, work.backup);
      if (!backed_up.is_ok()) return refused("backup", backed_up);
    }
    if ((*pipeline)->failed()) return 74;
    const auto learned = (*pipeline)->learned();
    if (!learned.is_ok()) return 74;
    if (done < work.changes.size()) {
      if ((*pipeline)->learned_of_first() < work.changes[done].at) continue;
      const silt::Status changed = work.changes[done].carry_out(**pipeline, work.refused);
      if (!changed.is_ok()) return refused(work.changes[done].what.c_str(), changed);
      ++done;
      continue;
    }
    if (work.finish_at == 0 || *learned < work.finish_at) continue;
    if (work.reset.empty()) break;
    const silt::Status reset = (*pipeline)->reset(work.reset, work.scope);
    if (!reset.is_ok()) return refused("reset", reset);
    break;
  }
  (*pipeline)->stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  ::alarm(600);  // a child that never finishes is a failure, not a test that hangs
  PipelineOptions options;
  options.store = argv[1];
  options.model = argv[2];
  options.include = {argv[3]};
  std::map<std::string, std::string> set;
  for (int i = 4; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t split = argument.find('=');
    if (split == std::string::npos) return 64;
    set[argument.substr(0, split)] = argument.substr(split + 1);
  }
  const auto number = [&](const char* key) { return set.contains(key) ? std::stoll(set[key]) : 0; };
  if (set.contains("step")) options.stamp_step_us = number("step");
  options.retention_bytes = static_cast<std::uint64_t>(number("retention"));
  Death death(set["point"], static_cast<long>(number("count")), set["power"]);
  options.env = death.env();
  options.at_point = [&](std::string_view point) { death.pass(point); };
  Work work{static_cast<std::uint64_t>(number("finish")), changes_of(set["changes"]), set["reset"], {}, set["backup"], set["refused"]};
  if (number("fold") != 0) work.scope = silt::learn::ResetScope::kNetAndFold;
  return run(options, work);
}
