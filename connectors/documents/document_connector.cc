#include "connectors/documents/document_connector.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/digest.h"

namespace silt::connectors {
namespace {

// A message of a Maildir keeps its name up to its flags when it is moved from new to cur, or read.
std::string id_of(const std::string& path, bool mail) {
  if (!mail) return path;
  const std::string folder(name_of(directory_of(path)));
  if (folder != "new" && folder != "cur") return path;
  const std::string name(name_of(path));
  return join_path(directory_of(directory_of(path)), name.substr(0, name.find(":2,")));
}

// A name without wildcards is a folder, with all that is in it, or a file.
std::vector<std::string> as_folders(std::vector<std::string> patterns) {
  for (std::string& pattern : patterns) {
    if (pattern.find_first_of("*?[") == std::string::npos) pattern = join_path(pattern, "**/*");
  }
  return patterns;
}

}  // namespace

Result<std::unique_ptr<DocumentConnector>> DocumentConnector::create(DocumentConnectorOptions options, const Clock& clock, Waiter& waiter) {
  for (std::string& path : options.include) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  }
  std::vector<std::string> patterns = as_folders(options.include);
  SILT_ASSIGN(const Globs folders, Globs::compile(patterns, false));
  patterns.insert(patterns.end(), options.include.begin(), options.include.end());
  SILT_ASSIGN(Globs include, Globs::compile(patterns, false));
  SILT_ASSIGN(Globs exclude, Globs::compile(options.exclude, true));
  return std::unique_ptr<DocumentConnector>(new DocumentConnector(std::move(options), std::move(include), std::move(exclude), folders.roots(), clock, waiter));
}

DocumentConnector::DocumentConnector(DocumentConnectorOptions options, Globs include, Globs exclude, std::vector<std::string> roots,
                                     const Clock& clock, Waiter& waiter)
    : options_(std::move(options)),
      include_(std::move(include)),
      exclude_(std::move(exclude)),
      roots_(std::move(roots)),
      clock_(clock),
      waiter_(waiter) {}

Status DocumentConnector::resume(std::span<const CursorRow> rows) {
  for (const CursorRow& row : rows) {
    SILT_ASSIGN(TicketRow decoded, decode_told(row));
    rows_[decoded.id] = std::move(decoded);
  }
  return Status::ok();
}

void DocumentConnector::fault(const std::string& path, const Status& status) {
  ++stats_.read_errors;
  stats_.last_error = path + ": " + status.message();
}

void DocumentConnector::look_at(const std::string& path, std::set<std::string>& there) {
  if (there.size() >= options_.files_max || !include_.matches(path) || exclude_.matches(path)) return;
  if (!options_.mail && kind_of(path) == DocumentKind::kOther) return;
  struct stat file{};
  if (::lstat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return;
  const std::string id = id_of(path, options_.mail);
  there.insert(id);
  const std::int64_t modified_ns = file.st_mtim.tv_sec * 1'000'000'000ll + file.st_mtim.tv_nsec;
  const std::string version = std::to_string(file.st_size) + "@" + std::to_string(modified_ns);
  const auto row = rows_.find(id);
  const auto bad = unreadable_.find(id);
  if (row != rows_.end() && row->second.version == version) return;
  if (bad != unreadable_.end() && bad->second.version == version) {
    stats_.last_error = bad->second.error;
    return;
  }
  due_[id] = {path, version, modified_ns / 1000};
}

// Without recursion into more than the depth of paths allows.
void DocumentConnector::walk(const std::string& folder, std::set<std::string>& there) {
  activity_->at(folder);
  DIR* const directory = ::opendir(folder.c_str());
  if (directory == nullptr) {
    const int error = errno;
    if (error == ENOTDIR) look_at(folder, there);  // a file that is named itself
    else if (error != ENOENT) fault(folder, errno_status("open it", error));
    return;
  }
  std::vector<std::string> folders;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.')) continue;
    const std::string path = join_path(folder, name);
    struct stat file{};
    if (entry->d_type == DT_DIR || (entry->d_type == DT_UNKNOWN && ::lstat(path.c_str(), &file) == 0 && S_ISDIR(file.st_mode))) {
      if (include_.may_contain(path) && !exclude_.matches(path)) folders.push_back(path);
    } else {
      look_at(path, there);
    }
  }
  ::closedir(directory);
  for (const std::string& each : folders) walk(each, there);
}

void DocumentConnector::scan() {
  stats_.last_error.clear();
  due_.clear();
  gone_.clear();
  std::set<std::string> there;
  bool whole = true;  // a share that is not mounted has not lost its documents
  for (const std::string& root : roots_) {
    walk(root, there);
    whole = whole && ::access(root.c_str(), R_OK) == 0;
  }
  if (there.size() >= options_.files_max) fault(roots_.front(), resource_exhausted("more files than are read: exclude some"));
  for (const auto& [id, row] : rows_) {
    if (!there.contains(id) && whole && there.size() < options_.files_max) gone_.insert(id);
  }
  if (!whole) fault(roots_.front(), not_found("the folder is not there, or may not be read: check include; nothing is forgotten meanwhile"));
  stats_.files_known = there.size();
  scan_at_us_ = clock_.monotonic_us() + options_.scan_ms * 1000;
  scanned_ = true;
}

Result<bool> DocumentConnector::poll(const ReadLimits& limits, Batch& out) {
  unconfirmed_.clear();
  if (!scanned_ || (due_.empty() && gone_.empty() && clock_.monotonic_us() >= scan_at_us_)) scan();
  BatchBuilder builder(limits, out);
  while (!builder.full() && tell_next(builder)) {
  }
  for (const auto& [id, row] : unconfirmed_) out.cursors.push_back(row.id.empty() ? deleted_row(id) : encode_told(row));
  return unconfirmed_.size() < due_.size() + gone_.size();
}

// True: there may be another.
bool DocumentConnector::tell_next(BatchBuilder& builder) {
  for (const std::string& id : gone_) {
    if (unconfirmed_.contains(id)) continue;
    StreamWriter out(builder, "");
    const TicketRow& row = rows_.at(id);
    for (const ToldEvent& told : row.events) tell_part(row, told, {told.id, "deleted", 0, {}}, 0, true, out);
    unconfirmed_[id] = {};
    return true;
  }
  for (auto file = due_.begin(); file != due_.end(); ++file) {
    if (unconfirmed_.contains(file->first)) continue;
    if (!tell_file(file->second, builder)) due_.erase(file);
    return true;
  }
  return false;
}

std::string DocumentConnector::shown(const std::string& path) const {
  for (const std::string& root : roots_) {
    if (path.starts_with(root + "/")) return path.substr(root.size() + 1);
  }
  return std::string(name_of(path));
}

void DocumentConnector::tell_part(const TicketRow& row, const ToldEvent& told, const DocumentPart& part, std::int64_t modified_us, bool gone,
                                  StreamWriter& out) const {
  Record record;
  record.text = out.arena().copy(part.text);
  record.origin.place = out.arena().copy(options_.place + ":" + row.place + (part.id.empty() ? "" : "#" + part.id));
  record.origin.generation = told.version;
  record.told_us = part.at_us != 0 ? part.at_us : modified_us;
  const std::string version = gone ? std::string(kItemGone) : std::to_string(told.version);
  std::vector<Attribute> attributes;
  if (!options_.mail) attributes.push_back({"document", row.place});
  for (const auto& [key, value] : part.attributes) {
    if (!value.empty()) attributes.push_back({key, value});
  }
  attributes.push_back({kItemVersion, version});
  attach(attributes, record, out.arena());
  const std::size_t bytes_max = out.builder().limits().record_bytes_max;
  if (record.text.size() > bytes_max) {
    record.bytes_cut = record.text.size() - bytes_max;
    record.text = record.text.substr(0, bytes_max);
    record.flags |= kRecordCut;
  }
  out.add(record);
}

// False: it cannot be read, and is tried again when it has changed.
bool DocumentConnector::tell_file(const Found& file, BatchBuilder& builder) {
  activity_->at(file.path);
  const std::string id = id_of(file.path, options_.mail);
  const int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    fault(file.path, errno_status("open it", errno));
    unreadable_[id] = {file.version, stats_.last_error};
    return false;
  }
  const auto parts = read_document(fd, options_.mail ? DocumentKind::kMail : kind_of(file.path), options_.file_bytes_max, options_.pdf);
  ::close(fd);
  if (!parts.is_ok()) {
    fault(file.path, parts.status());
    unreadable_[id] = {file.version, stats_.last_error};
    return false;
  }
  unreadable_.erase(id);
  const auto known = rows_.find(id);
  TicketRow row = known == rows_.end() ? TicketRow() : known->second;
  row.id = id;
  row.place = shown(id);
  row.version = file.version;
  StreamWriter out(builder, "");
  std::set<std::string_view> there;
  for (const DocumentPart& part : *parts) {
    if (!there.insert(part.id).second) continue;
    const std::uint64_t hash = digest_of(part.text).low;
    ToldEvent* told = row.find(part.id);
    if (told != nullptr && told->hash == hash) continue;
    if (told == nullptr) told = &row.events.emplace_back(ToldEvent{part.id, hash, ++row.numbers, 0});
    told->hash = hash;
    ++told->version;
    tell_part(row, *told, part, file.modified_us, false, out);
  }
  for (const ToldEvent& told : row.events) {
    if (!there.contains(told.id)) tell_part(row, told, {told.id, "deleted", 0, {}}, file.modified_us, true, out);
  }
  std::erase_if(row.events, [&](const ToldEvent& told) { return !there.contains(told.id); });
  unconfirmed_[id] = std::move(row);
  return true;
}

void DocumentConnector::confirm() {
  for (auto& [id, row] : unconfirmed_) {
    due_.erase(id);
    gone_.erase(id);
    if (row.id.empty()) rows_.erase(id);
    else rows_[id] = std::move(row);
  }
  unconfirmed_.clear();
}

void DocumentConnector::notify_when_ready(std::function<void()> wake) {
  const std::int64_t wait_us = due_.empty() && gone_.empty() ? scan_at_us_ - clock_.monotonic_us() : 0;
  waiter_.wait(-1, std::chrono::milliseconds(std::max<std::int64_t>(0, wait_us / 1000)), std::move(wake));
}

ConnectorStats DocumentConnector::stats() const {
  return stats_;
}

}  // namespace silt::connectors
