// Kubelet: writes and moves the log files of pods as kubelet and a runtime do, in their order of operations.
//
// A rotation removes what an earlier one left behind, removes the oldest files above the limit, compresses
// what was rotated before (to NAME.tmp, which becomes NAME.gz, and then NAME goes), renames the log to
// LOG.YYYYMMDD-HHMMSS, and asks the runtime to open a new one: until it does, it writes into the renamed file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {

class Kubelet {
 public:
  // A record that was written: as it should come out, and the file that it was in under its live name.
  struct Written {
    std::string text, stream, pod, live_path;
  };

  Kubelet(std::filesystem::path root, std::uint64_t seed) : root_(std::move(root)), random_(seed) {
    std::filesystem::create_directories(root_ / "pods");
    std::filesystem::create_directories(root_ / "containers");
  }

  std::size_t pods() const { return pods_.size(); }
  const std::vector<Written>& written() const { return written_; }

  void start_pod() {
    Pod pod;
    const int number = next_pod_++;
    pod.name = "shop-" + std::to_string(number % 7) + "-" + generated(9) + "-" + generated(5);
    pod.folder = root_ / "pods" / ("prod_" + pod.name + "_uid-" + std::to_string(number)) / "web";
    std::filesystem::create_directories(pod.folder);
    open(pod);
    pods_.push_back(std::move(pod));
  }
  // The pod is deleted: its links and files go, then its folder.
  void stop_pod() {
    if (pods_.empty()) return;
    const auto pod = pods_.begin() + static_cast<std::ptrdiff_t>(below(pods_.size()));
    finish_parts(*pod);
    std::filesystem::remove(link_of(*pod));
    std::filesystem::remove_all(pod->folder.parent_path());
    pods_.erase(pod);
  }
  // The container dies and is started again: another file; of dead ones one is kept.
  void restart() {
    Pod& pod = any();
    finish_parts(pod);
    if (pod.restarts > 0) remove_logs(pod, pod.restarts - 1);
    ++pod.restarts;
    open(pod);
  }
  void write() {
    Pod& pod = any();
    for (std::uint64_t left = 1 + below(8); left > 0; --left) write_one(pod);
  }
  void rotate() {
    Pod& pod = any();
    const std::string log = pod.log();
    std::vector<std::string> rotated = rotated_of(pod);
    for (const std::string& path : rotated) {
      if (path.ends_with(".tmp")) std::filesystem::remove(path);
    }
    std::erase_if(rotated, [](const std::string& path) { return path.ends_with(".tmp"); });
    for (; rotated.size() > kRotatedMax; rotated.erase(rotated.begin())) std::filesystem::remove(rotated.front());
    for (const std::string& path : rotated) {
      if (path.ends_with(".gz")) continue;
      std::ofstream(path + ".tmp") << "\x1f\x8b, as gzip would write it";
      std::filesystem::rename(path + ".tmp", path + ".gz");
      std::filesystem::remove(path);
    }
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, ".20261130-%06d", next_stamp_++);
    std::filesystem::rename(log, log + stamp);
    if (below(2) == 0) write_one(pod);  // the runtime did not open a new one yet
    finish_parts(pod);
    pod.writer = std::make_unique<Writer>(log);
  }

 private:
  static constexpr std::size_t kRotatedMax = 3;
  struct Pod {
    std::string name;
    std::filesystem::path folder;
    int restarts = 0;
    std::unique_ptr<Writer> writer;
    std::map<std::string, std::string> parts;  // of lines that are not whole, by stream

    std::string log() const { return (folder / (std::to_string(restarts) + ".log")).string(); }
  };

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  Pod& any() { return pods_[below(pods_.size())]; }
  std::string generated(std::size_t size) {
    constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
    std::string out;
    for (std::size_t i = 0; i < size; ++i) out += kLetters[below(kLetters.size())];
    return out;
  }
  std::filesystem::path link_of(const Pod& pod) const {
    return root_ / "containers" / (pod.name + "_prod_web-" + std::string(64, 'a') + ".log");
  }
  void open(Pod& pod) {
    pod.writer = std::make_unique<Writer>(pod.log());
    std::filesystem::remove(link_of(pod));
    std::filesystem::create_symlink(pod.log(), link_of(pod));
  }
  static std::vector<std::string> rotated_of(const Pod& pod) {
    std::vector<std::string> out;
    const std::string prefix = std::filesystem::path(pod.log()).filename().string() + ".";
    for (const auto& entry : std::filesystem::directory_iterator(pod.folder)) {
      if (entry.path().filename().string().starts_with(prefix)) out.push_back(entry.path().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  static void remove_logs(const Pod& pod, int number) {
    for (const auto& entry : std::filesystem::directory_iterator(pod.folder)) {
      if (entry.path().filename().string().starts_with(std::to_string(number) + ".log")) std::filesystem::remove(entry.path());
    }
  }

  void put(Pod& pod, const std::string& stream, bool whole, const std::string& text) {
    pod.writer->write("2026-11-30T10:00:00.123456789Z " + stream + (whole ? " F " : " P ") + text + "\n");
  }
  // A line, or a part of one; parts of both streams may be open at once.
  void write_one(Pod& pod) {
    const std::string stream = below(3) == 0 ? "stderr" : "stdout";
    std::string text = "id=" + std::to_string(next_id_++) + " request was served by " + pod.name;
    const bool whole = below(4) != 0;
    put(pod, stream, whole, text);
    pod.parts[stream] += text;
    if (whole) finish(pod, stream);
  }
  void finish(Pod& pod, const std::string& stream) {
    const auto part = pod.parts.find(stream);
    written_.push_back({part->second, stream, pod.name, pod.log()});
    pod.parts.erase(part);
  }
  void finish_parts(Pod& pod) {
    while (!pod.parts.empty()) {
      const std::string stream = pod.parts.begin()->first;
      put(pod, stream, true, "");
      finish(pod, stream);
    }
  }

  const std::filesystem::path root_;
  std::mt19937_64 random_;
  std::vector<Pod> pods_;
  std::vector<Written> written_;
  int next_pod_ = 0, next_id_ = 1, next_stamp_ = 0;
};

}  // namespace silt::connectors
