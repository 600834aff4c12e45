#include "daemon/access/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/escape.h"
#include "base/log.h"
#include "daemon/store/sha256.h"

namespace silt::access {
namespace {

constexpr std::size_t kFields = 10;
constexpr std::size_t kRefusalsRemembered = 256;

// Of the entry without its hash: tabs part its fields, which have none.
std::string body_of(const AuditEntry& entry) {
  std::string out = std::to_string(entry.number) + '\t' + std::to_string(entry.time_us);
  for (const std::string* field : {&entry.caller, &entry.action, &entry.tenant, &entry.object, &entry.request_id,
                                   &entry.outcome, &entry.detail}) {
    out += '\t' + escape_bytes(*field);
  }
  return out;
}

std::string chain(const std::string& before, std::string_view body) {
  return store::hex_of(store::sha256({before, "\n", body}));
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() && end == text.data() + text.size();
}

// False: the line has another form.
bool parse(std::string_view line, AuditEntry& entry, std::string_view& body) {
  std::array<std::string_view, kFields> fields;
  std::size_t count = 0, begin = 0;
  for (; count < kFields; ++count) {
    const std::size_t end = line.find('\t', begin);
    fields[count] = line.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  if (count + 1 != kFields || !read_number(fields[0], entry.number) || !read_number(fields[1], entry.time_us)) return false;
  const auto text = [&](std::size_t i) { return unescape_bytes(fields[i]); };
  entry.caller = text(2);
  entry.action = text(3);
  entry.tenant = text(4);
  entry.object = text(5);
  entry.request_id = text(6);
  entry.outcome = text(7);
  entry.detail = text(8);
  entry.sha256 = fields[9];
  body = line.substr(0, line.size() - fields[9].size() - 1);
  return true;
}

std::string what_is_wrong(std::uint64_t line, const AuditEntry& entry, const store::AuditAnchor& before, bool hash_fits) {
  if (entry.number > before.number + 1)
    return "entries " + std::to_string(before.number + 1) + " to " + std::to_string(entry.number - 1) + " are missing";
  if (entry.number != before.number + 1 || !hash_fits)
    return "line " + std::to_string(line) + " was changed, or does not belong there";
  return "";
}

Result<std::string> contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return errno_status("read the audit log " + path, errno);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

AuditReading read_audit(std::string_view lines, const store::AuditAnchor& anchor) {
  AuditReading reading;
  store::AuditAnchor last;
  std::uint64_t line_number = 0;
  const auto damaged = [&](const std::string& what) {
    if (reading.damage.empty()) reading.damage = what;
  };
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    ++line_number;
    AuditEntry entry;
    std::string_view body;
    if (!parse(line, entry, body)) {
      damaged("line " + std::to_string(line_number) + " is no entry");
      continue;
    }
    if (const std::string wrong = what_is_wrong(line_number, entry, last, entry.sha256 == chain(last.sha256, body)); !wrong.empty()) {
      damaged(wrong);
    } else if (entry.number == anchor.number && entry.sha256 != anchor.sha256) {
      damaged("entry " + std::to_string(entry.number) + " is not the one that the store remembers");
    }
    last = {entry.number, entry.sha256};
    reading.verified += reading.damage.empty() ? 1 : 0;
    reading.entries.push_back(std::move(entry));
  }
  if (last.number < anchor.number)
    damaged("it ends with entry " + std::to_string(last.number) + ", but " + std::to_string(anchor.number) + " were written");
  return reading;
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(std::string path, store::AuditAnchors& anchors, const Clock& clock) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(path), anchors, clock));
  SILT_TRY(log->start());
  return log;
}

AuditLog::~AuditLog() {
  if (file_ >= 0) ::close(file_);
}

// A line without its end was being written when siltd was killed: nobody was told of it.
Status AuditLog::start() {
  file_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) return errno_status("open the audit log " + path_, errno);
  SILT_ASSIGN(last_, anchors_.audit_anchor());
  SILT_ASSIGN(const std::string text, contents(path_));
  const std::size_t whole = text.rfind('\n') + 1;
  AuditReading reading = read_audit(std::string_view(text).substr(0, whole), last_);
  const bool torn = whole != text.size();
  if (torn && (reading.damage.empty() ? ::ftruncate(file_, static_cast<off_t>(whole)) : ::write(file_, "\n", 1) - 1) != 0)
    return errno_status("mend the audit log " + path_, errno);
  if (!reading.damage.empty())
    log::error("audit_log_damaged", {{"file", path_}, {"damage", reading.damage}, {"remedy", "find out who changed it; `silt audit` shows the rest"}});
  size_ = ::lseek(file_, 0, SEEK_END);
  if (!reading.entries.empty() && reading.entries.back().number > last_.number)
    last_ = {reading.entries.back().number, reading.entries.back().sha256};
  return Status::ok();
}

Status AuditLog::append(AuditEntry entry) {
  const std::lock_guard lock(mutex_);
  return write(std::move(entry));
}

Status AuditLog::append_refused(AuditEntry entry) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_us = clock_.monotonic_us();
  if (refusals_.size() >= kRefusalsRemembered && !refusals_.contains(entry.caller)) refusals_.clear();
  const auto [found, is_new] = refusals_.try_emplace(entry.caller);
  Refusals& refusals = found->second;
  if (!is_new && now_us < refusals.last_us + kRefusalsEveryUs) {
    ++refusals.unsaid;
    return Status::ok();
  }
  if (refusals.unsaid > 0) entry.detail += " (" + std::to_string(refusals.unsaid) + " more of this caller since the last entry)";
  refusals = {now_us, 0};
  return write(std::move(entry));
}

// Whoever may write to the store can remove or replace the file while it is open here.
Status AuditLog::check_file() const {
  struct stat open{}, named{};
  const bool same = ::fstat(file_, &open) == 0 && ::lstat(path_.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
                    open.st_dev == named.st_dev && open.st_size == size_;
  if (same) return Status::ok();
  return data_loss("the audit log " + path_ + " was removed, replaced or changed while siltd ran, so nothing can be written down; "
                   "find out by whom, put it back, and restart siltd");
}

Status AuditLog::write(AuditEntry entry) {
  SILT_TRY(failed_);
  if (const Status checked = check_file(); !checked.is_ok()) {
    log::error("audit_log_damaged", {{"file", path_}, {"damage", checked.message()}});
    return checked;
  }
  entry.number = last_.number + 1;
  entry.time_us = clock_.wall_us();
  const std::string body = body_of(entry);
  const store::AuditAnchor next{entry.number, chain(last_.sha256, body)};
  const std::string line = body + '\t' + next.sha256 + '\n';
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || ::fdatasync(file_) != 0) {
    failed_ = errno_status("write the audit log " + path_, written < 0 || errno != 0 ? errno : EIO);
    return failed_;
  }
  last_ = next;
  size_ += written;
  return failed_ = anchors_.put_audit_anchor(next);
}

Result<AuditReading> AuditLog::read() const {
  const std::lock_guard lock(mutex_);
  SILT_ASSIGN(const store::AuditAnchor anchor, anchors_.audit_anchor());
  const bool gone = ::access(path_.c_str(), F_OK) != 0 && errno == ENOENT;  // then all entries are missing
  SILT_ASSIGN(const std::string text, gone ? Result<std::string>(std::string()) : contents(path_));
  return read_audit(text, anchor);
}

}  // namespace silt::access
