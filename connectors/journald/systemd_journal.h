// SystemdJournal: systemd's journal, read in order from an entry on. A thin layer over sd-journal that keeps its rules:
// a seek is followed by a step and a test, all of every field is read, and files that come and go are taken up between
// entries.
//
// Not safe for concurrent use; calls may block on the disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct sd_journal;

namespace silt::connectors {

struct JournalPlace {
  std::string directory;   // empty: this host's own journal
  std::string name_space;  // of journald, of the host's own; "*": all; empty: the default one
};

// Where an entry is. The cursor is systemd's and names the entry; the time finds its neighbours when it is gone.
struct JournalPosition {
  std::string cursor;  // empty: before the first entry
  std::int64_t realtime_us = 0;
};

class SystemdJournal {
 public:
  enum class Seek {
    kFound,  // next() comes to the entry behind the position
    kGone,   // the entry itself is not there: next() comes to the first one behind it that is left
  };

  // The message has the remedy.
  static Result<std::unique_ptr<SystemdJournal>> open(const JournalPlace& place);
  ~SystemdJournal();
  SystemdJournal(const SystemdJournal&) = delete;
  SystemdJournal& operator=(const SystemdJournal&) = delete;

  Result<Seek> seek(const JournalPosition& position);
  Status seek_end();  // next() comes to what is written from now on

  // False: there is no entry more. kDataLoss: files are damaged.
  Result<bool> next();
  // Of the entry that next() came to. Values may be any bytes; views are valid until the call ends.
  void each_field(const std::function<void(std::string_view key, std::string_view value)>& field);
  std::int64_t realtime_us() const;
  JournalPosition position() const;

  // Takes up what has changed: files that were made, renamed and deleted, as rotation and vacuuming do. True: some
  // were. Files that were deleted are closed, so that it is for when all that they had was read.
  bool take_changes();
  int fd() const;
  // take_changes() is due after so long, also when fd() is quiet.
  std::chrono::milliseconds timeout() const;

 private:
  explicit SystemdJournal(sd_journal* journal) : journal_(journal) {}

  sd_journal* const journal_;
  bool at_next_ = false;  // a seek came to an entry that next() has not given yet
};

// How many entries journald wrote between two, by their cursors; -1: they do not say.
std::int64_t entries_between(std::string_view cursor, std::string_view later);

// The files of a place, by whether they can be read.
struct JournalFiles {
  bool any_readable = false;
  std::size_t unreadable = 0;
  std::string example;  // of these

  // One line, with the remedy; empty: all can be read.
  std::string complaint() const;
};
JournalFiles journal_files(const JournalPlace& place);

}  // namespace silt::connectors
