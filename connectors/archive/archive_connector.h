// ArchiveConnector: reads compressed files once: what a rotation left behind before silt came, what a backup holds.
//
// A thread of its own finds and reads them, oldest first; what it reads waits in an Inbox, each part with the row that
// says how far its file is read. A file is known by what is in it, as it is compressed: another name or place for it
// is no other file. One that was written to a moment ago is left for the next look.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "connectors/file/globs.h"
#include "connectors/file/stream_name.h"
#include "connectors/inbox.h"
#include "connectors/record_rules.h"

namespace silt::connectors {

struct ArchiveOptions {
  std::vector<std::string> include;  // absolute globs
  std::vector<std::string> exclude;
  std::string stream_name;           // of the name without its last extension; see StreamName
  std::shared_ptr<const RecordRules> rules;
  std::int64_t scan_ms = 60'000;
  std::int64_t quiet_ms = 10'000;  // since it was last written
  std::size_t part_bytes = 512 << 10;
};

class ArchiveConnector final : public Connector {
 public:
  // Fails on a bad glob or stream name. `clock` must outlive it.
  static Result<std::unique_ptr<ArchiveConnector>> create(ArchiveOptions options, const Clock& clock);
  ~ArchiveConnector() override;  // ends the thread

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override { return inbox_.poll(limits, out); }
  void confirm() override { inbox_.confirm(); }
  void notify_when_ready(std::function<void()> wake) override { inbox_.notify_when_ready(std::move(wake)); }
  void notify_when_filling(std::function<void()> wake) override { inbox_.notify_when_filling(std::move(wake)); }
  ConnectorStats stats() const override;

 private:
  struct Found {
    std::string path;
    std::string stamp;  // inode, size and time: the same, and it was looked at before
    std::int64_t modified_us = 0;
  };
  struct Row {
    std::string stamp;
    std::uint64_t offset = 0;  // in what was compressed
    bool done = false;
  };

  ArchiveConnector(ArchiveOptions options, Globs include, Globs exclude, StreamName stream_name, const Clock& clock);
  void run();
  void scan();
  std::vector<Found> find() const;
  Status read(const Found& file);
  Status read_from(const Found& file, const std::string& key, Row row);
  Status offer(Delivery delivery, const std::string& key, const Row& row);
  bool ending() const;

  const ArchiveOptions options_;
  const Globs include_, exclude_;
  const StreamName stream_name_;
  const Clock& clock_;
  Inbox inbox_;

  // Of the thread.
  std::map<std::string, Row> rows_;  // by digest
  std::set<std::string> stamps_;     // of files that are done with
  std::map<std::string, std::string> damaged_;  // by stamp, what is wrong

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool ending_ = false;
  std::uint64_t files_ = 0, errors_ = 0;
  std::string last_error_;
  std::thread thread_;
};

}  // namespace silt::connectors
