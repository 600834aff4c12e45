#include "tests/daemon/crash_drill.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/escape.h"
#include "tests/model/tiny_model.h"

extern char** environ;

namespace silt::testing {
namespace {

using store::BlockPtr;
using store::RocksStore;
using store::Seq;
using store::SourceInfo;

// Every record behind `floor`, one string each; `with_marks`, with its mark and score.
std::vector<std::string> records_of(const RocksStore& store, const SourceInfo& source, Seq floor, bool with_marks) {
  std::vector<std::string> out;
  std::vector<store::Score> scores;
  if (with_marks) SILT_CHECK(store.scores(source.ref, floor + 1, ~Seq{0}, scores).is_ok());
  for (Seq after = floor;;) {
    const auto read = store.block_after(source.ref, after);
    if (!read.is_ok()) return {read.status().to_string()};
    if (!*read) break;
    const store::Block& block = **read;
    after = block.last_seq;
    if (!block.damage.empty()) out.push_back("damage at " + std::to_string(block.first_seq));
    for (const store::RecordView& record : block.records.records()) {
      if (record.seq <= floor) continue;
      std::string line = std::to_string(record.seq) + " " + std::to_string(record.arrival_us) + " " +
                         std::to_string(record.origin.begin) + " " + std::string(record.text);
      if (block.marks.empty()) {
        line += " | not folded";
      } else if (with_marks) {
        const store::FoldMark& mark = block.marks[record.seq - block.first_seq];
        line += " | " + std::to_string(mark.pattern) + " " + std::to_string(mark.event_us) +
                (mark.new_pattern ? " new" : "");
      }
      out.push_back(std::move(line));
    }
  }
  for (const store::Score& score : scores) {
    out.push_back("score of " + std::to_string(score.seq) + ": " +
                  std::to_string(static_cast<int>(score.decision)) + " " + std::to_string(score.reason) +
                  " " + std::to_string(score.tokens) + " " + std::to_string(score.adapted_nats) + " " +
                  std::to_string(score.frozen_nats));
  }
  return out;
}

std::string first_difference(const std::vector<std::string>& killed, const std::vector<std::string>& twin) {
  for (std::size_t i = 0; i < std::max(killed.size(), twin.size()); ++i) {
    const std::string got = i < killed.size() ? killed[i] : "nothing",
                      wanted = i < twin.size() ? twin[i] : "nothing";
    if (got != wanted)
      return "\n  the killed one has " + escape_bytes(got) + "\n  its twin has       " + escape_bytes(wanted);
  }
  return "";
}

std::vector<std::string> cursors_of(const RocksStore& store) {
  std::vector<std::string> out;
  const auto rows = store.cursors("host").value();
  for (const auto& row : rows) out.push_back("cursor " + row.key + "=" + row.value);
  return out;
}

// What does not depend on how much of the journal is kept.
std::vector<std::string> heads_of(const std::vector<store::SourceDigest>& digests) {
  std::vector<std::string> out;
  for (store::SourceDigest digest : digests) {
    digest.journal = digest.marks = digest.scores = Digest();
    out.push_back(digest.to_string());
  }
  return out;
}

}  // namespace

// --- children ---------------------------------------------------------------------------------------

Child::Child(const std::vector<std::string>& arguments, std::string program) {
  int ends[2];
  SILT_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> argv{program.data()};
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  SILT_CHECK(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ) == 0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  output_ = ends[0];
}

Child::~Child() {
  if (pid_ > 0) kill_and_wait();
  ::close(output_);
}

bool Child::progress_within(int timeout_ms) {
  pollfd readable{output_, POLLIN, 0};
  char byte;
  return ::poll(&readable, 1, timeout_ms) == 1 && ::read(output_, &byte, 1) == 1;
}

void Child::kill_and_wait() {
  ::kill(pid_, SIGKILL);
  wait();
}

int Child::wait() {
  char bytes[256];
  while (::read(output_, bytes, sizeof bytes) > 0) {
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

// --- the drill --------------------------------------------------------------------------------------

CrashDrill::CrashDrill(std::uint64_t seed) : random(seed) {
  SILT_CHECK(model::write_tiny_model(dir_.path("tiny.safetensors")).is_ok());
  std::filesystem::create_directory(dir_.path("logs"));
}

const std::vector<std::string>& CrashDrill::points() {
  static const std::vector<std::string> all = {
      "intake.polled",      "intake.before_append", "intake.after_append", "intake.after_confirm",
      "fold.before_commit", "fold.after_commit",    "learn.record",        "learn.before_commit",
      "learn.after_commit", "learn.after_publish",  "learn.loaded"};
  return all;
}

const std::vector<std::string>& CrashDrill::rollback_points() {
  static const std::vector<std::string> all = {"learn.before_rollback", "learn.after_rollback"};
  return all;
}

const std::vector<std::string>& CrashDrill::forget_points() {
  static const std::vector<std::string> all = {"learn.before_forget", "fold.segments_forgotten", "fold.forgotten",
                                               "learn.after_forget"};
  return all;
}

void CrashDrill::write_lines(const std::string& file, int count) {
  static constexpr const char* kWords[] = {"accepted", "refused", "opened", "closed", "expired"};
  std::ofstream out(dir_.path("logs/" + file), std::ios::app | std::ios::binary);
  if (first_.empty()) first_ = file;
  if (file == first_) of_first_ += static_cast<std::uint64_t>(count);
  for (int i = 0; i < count; ++i, ++lines_) {
    const auto value = random();
    if (key_lines_left_ > 0) {
      out << (--key_lines_left_ == 0 ? "-----END PRIVATE KEY-----" : "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")
          << "\n";
    } else if (value % 23 == 0) {
      out << "-----BEGIN PRIVATE KEY-----\n";
      key_lines_left_ = 4;
    } else if (value % 37 == 0) {
      out << "kernel: oom killer took process " << value % 5000 << " of group g" << value % 3 << "\n";
    } else if (value % 11 == 0) {
      out << std::string(value % 300, 'x') << " password=hunter" << value % 7 << "\n";
    } else {
      out << "2026-11-21T10:" << 10 + lines_ / 60 % 50 << ":" << 10 + lines_ % 50 << "Z sshd[" << value % 9000
          << "]: session " << kWords[value % 5] << " for user u" << value % 9 << " from 10.0." << value % 4
          << "." << value % 200 << "\n";
    }
  }
}

std::vector<std::string> CrashDrill::arguments(const std::string& store,
                                               std::vector<std::string> extra) const {
  std::vector<std::string> out = {dir_.path(store), dir_.path("tiny.safetensors"), dir_.path("logs/*.log"),
                                  "step=" + std::to_string(stamp_step_us)};
  if (store != "twin") out.push_back("retention=" + std::to_string(retention_bytes));
  std::string all;
  std::ifstream file(dir_.path("refused"));
  const std::string refused{std::istreambuf_iterator<char>(file), {}};
  for (const Change& change : changes) {
    const std::string range = std::to_string(change.range.first) + "-" + std::to_string(change.range.last);
    if (store == "twin" && refused.find("rollback" + range + "\n") != std::string::npos) continue;
    const std::uint64_t at = store == "twin" ? of_first_ : change.at;
    const std::string one = std::to_string(at) + ":" + std::to_string(change.range.first) + ":" + std::to_string(change.range.last) + ":" + change.what;
    const std::string comma = all.empty() ? "" : ",";
    all = store == "twin" ? one + comma + all : all + comma + one;
  }
  if (!all.empty()) out.push_back("changes=" + all);
  if (retention_bytes > 0 && store != "twin") out.push_back("refused=" + dir_.path("refused"));
  if (backups && store != "twin") out.push_back("backup=" + dir_.path("backup"));
  out.insert(out.end(), extra.begin(), extra.end());
  return out;
}

void CrashDrill::round(const std::vector<std::string>& files) {
  std::vector<std::string> extra;
  if (random() % 3 != 0) {  // otherwise it is killed from outside
    extra = {"point=any", "count=" + std::to_string(1 + random() % 120)};
    if (random() % 2 == 0) extra.push_back("power=" + std::to_string(random() % 1'000'000));
  }
  Child child(arguments("store", extra));
  const auto signs = static_cast<int>(random() % 120);
  for (int i = 0; i < signs || !extra.empty(); ++i) {
    if (i % 4 == 0 && i < 200)
      write_lines(files[random() % files.size()], 1 + static_cast<int>(random() % 3));
    if (!child.progress_within(extra.empty() ? 2000 : 300)) break;
  }
  child.kill_and_wait();
}

void CrashDrill::die_at(const std::string& point, int count, bool power) {
  std::vector<std::string> extra = {"finish=" + std::to_string(lines_), "point=" + point,
                                    "count=" + std::to_string(count)};
  if (power) extra.push_back("power=" + std::to_string(random() % 1'000'000));
  Child(arguments("store", extra)).wait();
}

std::string CrashDrill::reset(const std::string& id, bool with_fold, const std::string& point, bool power) {
  std::vector<Change> later;
  std::swap(later, changes);
  for (Change& change : later) {
    if (change.at <= of_first_) changes.push_back(change);
  }
  std::erase_if(later, [&](const Change& change) { return change.at <= of_first_; });
  std::vector<std::string> extra = {"finish=" + std::to_string(lines_), "reset=" + id, "fold=" + std::to_string(with_fold)};
  const auto die = [&](const std::string& where, std::uint64_t count, bool without_power) {
    std::vector<std::string> dying = extra;
    dying.insert(dying.end(), {"point=" + where, "count=" + std::to_string(count)});
    if (without_power) dying.push_back("power=" + std::to_string(random() % 1'000'000));
    Child(arguments("store", dying)).wait();
  };
  if (!point.empty()) {
    die(point, 1, power);
  } else {
    for (int deaths = 0; deaths < 4; ++deaths) die("any", 1 + random() % 60, random() % 2 == 0);
  }
  std::string failed;
  for (const char* store : {"store", "twin"}) {
    const int status = Child(arguments(store, extra)).wait();
    if (status != 0) failed = "reset '" + id + "' of " + store + " ended with status " + std::to_string(status);
  }
  changes.insert(changes.end(), later.begin(), later.end());
  reset_at_ = of_first_;
  return failed;
}

void CrashDrill::plan(const std::string& what) {
  const std::uint64_t known = changes.empty() ? of_first_ : std::max(of_first_, changes.back().at);
  const std::uint64_t at = known + 10 + random() % 20;
  const std::uint64_t from = what == "forget" ? 0 : reset_at_;
  const std::uint64_t first = from + 1 + random() % (at - from);
  changes.push_back({at, {first, std::min(at, first + random() % 15)}, what});
}

std::string CrashDrill::finish(const std::string& store) {
  const int status = Child(arguments(store, {"finish=" + std::to_string(lines_)})).wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return "the last run on " + store + " ended with status " + std::to_string(status);
}

Result<std::unique_ptr<RocksStore>> CrashDrill::open(const std::string& store) const {
  store::StoreOptions options;
  options.database.path = dir_.path(store);
  return RocksStore::open(options);
}

std::string CrashDrill::difference() {
  // Where retention has removed records, forgetting numbers patterns anew from the oldest one that is left, and the net
  // begins there. The second run loads that state: it must be the one that its journal gives.
  const bool begins_late = retention_bytes > 0 && !changes.empty();
  for (const char* name : {"store", "twin", "store"}) {
    if (std::string failed = finish(name); !failed.empty()) return failed;
  }
  const auto killed = open("store"), twin = open("twin");
  if (!killed.is_ok()) return killed.status().to_string();
  if (!twin.is_ok()) return twin.status().to_string();
  std::map<std::string, SourceInfo> twins;
  for (const SourceInfo& info : (*twin)->sources()) twins[info.name] = info;
  std::uint64_t learned = 0;
  for (const SourceInfo& info : (*killed)->sources()) {
    if (!twins.contains(info.name)) return "the twin has no source " + info.name;
    const Seq floor = (*killed)->fold_head(info.ref)->floor_seq;
    const std::string differs =
        first_difference(records_of(**killed, info, floor, !begins_late), records_of(**twin, twins[info.name], floor, !begins_late));
    if (!differs.empty()) return "records of " + info.name + " behind " + std::to_string(floor) + differs;
    learned += (*killed)->net_head(info.ref)->value_or(store::NetHead()).learned_seq;
  }
  if (learned != lines_)
    return std::to_string(lines_) + " lines were written and " + std::to_string(learned) + " read";
  if (auto differs = first_difference(cursors_of(**killed), cursors_of(**twin)); !differs.empty())
    return differs;
  if (begins_late) return "";
  return first_difference(heads_of((*killed)->digests().value()), heads_of((*twin)->digests().value()));
}

}  // namespace silt::testing
