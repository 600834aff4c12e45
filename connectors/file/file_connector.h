// FileConnector: tails the files that match a set of globs, without losing or repeating a line
// across rotation, truncation, restarts and crashes.
//
// A *generation* is one life of a file: from its creation, or from a truncation, to the next one.
// It has one cursor row. A *chain* is the generations that took turns at one live path, which names
// their stream. A batch holds lines of as many chains as fit; within a chain the oldest
// generation with unread lines goes first, one generation a batch, and chains take turns.
//
// What it cannot know, it reports as a gap record when bytes are known to be missing: the unread rest
// of a file that was truncated with no uncompressed copy beside it, that vanished while closed, or
// that was cut short. Bytes that were written and removed between two looks leave no trace. A file
// that is rewritten in place is a new generation, and is read again, unless all that was read of it
// is still there when we look.
//
// What happens where is split by question: globs (which paths), rotated_name (whose rotated file),
// stream_name (which stream), file_key (which file is it), generation (where do we stand), watcher
// (what changed), discovery (what became of it; folders, fate), tail_reader (what does it say).
//
// Events tell of changes. What they do not tell of (another name of the file, a memory mapping, a
// network) is found by comparing with the disk: of some hundreds of files all of them each
// reconcile_ms, of many each within thirty of them, so that idle files cost next to nothing; one that
// changed so once, within six.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "connectors/connector.h"
#include "connectors/file/file_format.h"
#include "connectors/record_rules.h"
#include "connectors/waiter.h"

namespace silt::connectors {

enum class FileStart { kBeginning, kEnd };

struct FileConnectorOptions {
  // Absolute globs with *, ?, [...] in a component and ** for any depth. Wildcards do not match a
  // leading dot. ** does not enter linked directories; a literal or starred component does.
  std::vector<std::string> include;
  // A pattern without a leading slash matches at any depth. Replaces the default when set.
  std::vector<std::string> exclude = default_exclude();
  // Folders of which nothing is read although a pattern wants it: silt's own store feeds on itself.
  std::vector<std::string> never_enter;
  // Links are followed within the folders that the patterns begin with, and to these ones.
  std::vector<std::string> link_targets;
  // Names the stream of a file, with captures of its path (see StreamName): "{path}" makes each file a
  // stream of its own, "web-{stem}" one of all that have the stem, "" one of all files. Within a file
  // order is kept; records of several files of a stream may interleave.
  std::string stream_name = "{path}";
  // Where files that exist at the very first start begin. Files found later begin at 0.
  FileStart start = FileStart::kBeginning;

  FileFormat format = FileFormat::kPlain;
  // Which lines are one record; null: each is one. The last lines of a file wait flush_ms for more.
  std::shared_ptr<const RecordRules> rules;
  std::int64_t flush_ms = 1'000;

  std::int64_t reconcile_ms = 10'000;            // comparison with the disk: finds what events missed
  std::int64_t poll_ms = 1'000;                  // the same when inotify has no watches left
  std::int64_t quiet_ms = 30'000;                // a rotated file that did not grow so long is finished
  std::int64_t unlinked_quiet_ms = 1'000;        // the same for one that was deleted and is open yet
  std::int64_t copy_wait_ms = 30'000;            // how long a copy of a live file may await its truncation
  std::int64_t lost_after_ms = 600'000;          // unread bytes of a vanished file are reported lost then
  std::int64_t retention_ms = 7 * 86'400'000ll;  // cursor rows of vanished files are kept so long
  std::uint64_t gone_files_max = 50'000;         // and at most so many of them, oldest go first
  std::uint32_t open_files_max = 0;              // 0: a quarter of RLIMIT_NOFILE, at most 512
  bool use_inotify = true;                       // false: poll (network file systems)

  static std::vector<std::string> default_exclude();  // compressed and binary files of /var/log
};

// See Connector for who calls what. Not thread-safe.
// Beyond the contract: poll() after a batch that was not confirmed returns the same data again.
class FileConnector final : public Connector {
 public:
  // Fails on a bad glob or stream name. `clock` and `waiter` must outlive the connector.
  static Result<std::unique_ptr<FileConnector>> create(FileConnectorOptions options, const Clock& clock,
                                                       Waiter& waiter);
  ~FileConnector() override;

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override;
  void confirm() override;
  void notify_when_ready(std::function<void()> wake) override;
  ConnectorStats stats() const override;
  std::shared_ptr<const Activity> activity() const override;  // a path

  // Compares with the disk at the next poll, without waiting for the timer.
  void reconcile_now();

 private:
  class Impl;
  explicit FileConnector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace silt::connectors
