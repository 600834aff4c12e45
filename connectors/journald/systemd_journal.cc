#include "connectors/journald/systemd_journal.h"

#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace silt::connectors {
namespace {

constexpr std::chrono::milliseconds kLook{10'000};          // for what inotify did not tell
constexpr std::chrono::milliseconds kLookUnreliable{1'000};  // on file systems without it

Status journal_status(std::string_view action, int result) {
  return errno_status(action, -result);
}

std::string owned(char* text) {
  std::string out(text == nullptr ? "" : text);
  std::free(text);
  return out;
}

// "i=" of "s=...;i=4f2;b=...": digits of base 16.
std::optional<std::uint64_t> sequence_of(std::string_view cursor) {
  const std::size_t at = cursor.find(";i=");
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t out = 0;
  const auto read = std::from_chars(cursor.data() + at + 3, cursor.data() + cursor.size(), out, 16);
  return read.ec == std::errc() ? std::optional(out) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<SystemdJournal>> SystemdJournal::open(const JournalPlace& place) {
  sd_journal* journal = nullptr;
  int opened = 0;
  if (!place.directory.empty()) opened = ::sd_journal_open_directory(&journal, place.directory.c_str(), 0);
  else if (place.name_space == "*") opened = ::sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_ALL_NAMESPACES);
  else if (!place.name_space.empty()) opened = ::sd_journal_open_namespace(&journal, place.name_space.c_str(), SD_JOURNAL_LOCAL_ONLY);
  else opened = ::sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
  if (opened < 0) {
    const std::string what = place.directory.empty() ? "the journal" : "the journal in " + place.directory;
    const Status status = journal_status("open " + what, opened);
    return Status(status.code(), status.message() + "; is journald running, and may siltd read it (group systemd-journal)?");
  }
  std::unique_ptr<SystemdJournal> out(new SystemdJournal(journal));
  ::sd_journal_set_data_threshold(journal, 0);
  const int fd = ::sd_journal_get_fd(journal);  // watches from here on
  if (fd < 0) return journal_status("watch the journal", fd);
  return out;
}

SystemdJournal::~SystemdJournal() {
  ::sd_journal_close(journal_);
}

Result<SystemdJournal::Seek> SystemdJournal::seek(const JournalPosition& position) {
  at_next_ = false;
  if (position.cursor.empty()) {
    const int done = ::sd_journal_seek_head(journal_);
    return done < 0 ? Result<Seek>(journal_status("seek in the journal", done)) : Seek::kFound;
  }
  int done = ::sd_journal_seek_cursor(journal_, position.cursor.c_str());
  if (done < 0) done = ::sd_journal_seek_realtime_usec(journal_, static_cast<std::uint64_t>(position.realtime_us));
  if (done >= 0) done = ::sd_journal_next(journal_);
  if (done < 0) return journal_status("seek in the journal", done);
  if (done == 0) return Seek::kGone;  // neither it nor anything behind it
  if (::sd_journal_test_cursor(journal_, position.cursor.c_str()) > 0) return Seek::kFound;
  at_next_ = true;
  return Seek::kGone;
}

// The seek itself takes effect with the step: to the last entry, behind which next() goes on.
Status SystemdJournal::seek_end() {
  at_next_ = false;
  int done = ::sd_journal_seek_tail(journal_);
  if (done >= 0) done = ::sd_journal_previous(journal_);
  return done < 0 ? journal_status("seek in the journal", done) : Status::ok();
}

Result<bool> SystemdJournal::next() {
  if (std::exchange(at_next_, false)) return true;
  const int done = ::sd_journal_next(journal_);
  if (done >= 0) return done > 0;
  return data_loss("read the journal: " + journal_status("next entry", done).message() +
                   "; `journalctl --verify` names damaged files, `journalctl --rotate` sets them aside");
}

void SystemdJournal::each_field(const std::function<void(std::string_view, std::string_view)>& field) {
  ::sd_journal_restart_data(journal_);
  const void* data = nullptr;
  std::size_t size = 0;
  // What this libsystemd cannot unpack is passed over.
  while (::sd_journal_enumerate_available_data(journal_, &data, &size) > 0) {
    const std::string_view text(static_cast<const char*>(data), size);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) field(text.substr(0, equals), text.substr(equals + 1));
  }
}

std::int64_t SystemdJournal::realtime_us() const {
  std::uint64_t us = 0;
  return ::sd_journal_get_realtime_usec(journal_, &us) < 0 ? 0 : static_cast<std::int64_t>(us);
}

JournalPosition SystemdJournal::position() const {
  char* cursor = nullptr;
  if (::sd_journal_get_cursor(journal_, &cursor) < 0) return {};
  return {owned(cursor), realtime_us()};
}

bool SystemdJournal::take_changes() {
  return ::sd_journal_process(journal_) == SD_JOURNAL_INVALIDATE;
}

int SystemdJournal::fd() const {
  return ::sd_journal_get_fd(journal_);
}

std::chrono::milliseconds SystemdJournal::timeout() const {
  return ::sd_journal_reliable_fd(journal_) > 0 ? kLook : kLookUnreliable;
}

std::int64_t entries_between(std::string_view cursor, std::string_view later) {
  const std::string_view writer = cursor.substr(0, cursor.find(';'));
  const auto from = sequence_of(cursor), to = sequence_of(later);
  if (!from || !to || *to <= *from || !later.starts_with(writer)) return -1;
  return static_cast<std::int64_t>(*to - *from - 1);
}

JournalFiles journal_files(const JournalPlace& place) {
  std::vector<std::string> folders = {place.directory};
  if (place.directory.empty()) folders = {"/var/log/journal", "/run/log/journal"};
  JournalFiles out;
  const auto note = [&](const std::string& file) {
    ++out.unreadable;
    out.example = file;
  };
  for (const std::string& folder : folders) {
    std::error_code failed;
    for (std::filesystem::recursive_directory_iterator each(folder, failed), end; !failed && each != end; each.increment(failed)) {
      if (!each->path().native().ends_with(".journal")) continue;
      if (::access(each->path().c_str(), R_OK) == 0) out.any_readable = true;
      else note(each->path().native());
    }
    if (failed == std::errc::permission_denied) note(folder);
  }
  return out;
}

std::string JournalFiles::complaint() const {
  if (unreadable == 0) return {};
  return std::to_string(unreadable) + " files of the journal cannot be read, " + example + " is one; add siltd's user to group systemd-journal";
}

}  // namespace silt::connectors
