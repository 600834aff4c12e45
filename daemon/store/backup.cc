#include "daemon/store/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/escape.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/sha256.h"
#include "daemon/store/told.h"

namespace silt::store {
namespace {

namespace fs = std::filesystem;

constexpr char kContents[] = "BACKUP";
constexpr char kHead[] = "silt-backup 1";
constexpr char kPart[] = ".part";
constexpr char kUnderWay[] = "BACKUP_UNDER_WAY";
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

struct File {
  std::uint64_t bytes = 0;
  std::string sha256;
  std::string name;
};

struct Contents {
  std::int64_t taken_us = 0;
  std::vector<File> files;
  std::vector<std::string> sources;  // a digest line each
  std::uint64_t records = 0;
};

Status sync(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno_status("open " + path.string(), errno);
  const int synced = ::fsync(file);
  const int error = errno;
  ::close(file);
  return synced == 0 ? Status::ok() : errno_status("sync " + path.string(), error);
}

// A chain over its pieces: files are larger than memory.
Result<File> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found("backup: " + path.string() + " cannot be read");
  File out;
  out.name = path.filename();
  std::string piece(kReadBytes, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    const std::string_view got(piece.data(), static_cast<std::size_t>(in.gcount()));
    out.bytes += got.size();
    out.sha256 = hex_of(sha256({out.sha256, got}));
  }
  if (in.bad()) return data_loss("backup: " + path.string() + " cannot be read to its end");
  return out;
}

Result<std::vector<fs::path>> files_in(const fs::path& directory) {
  std::vector<fs::path> out;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    if (entry.is_regular_file() && entry.path().filename() != kContents) out.push_back(entry.path());
  }
  if (failed) return not_found("backup: " + directory.string() + ": " + failed.message());
  std::sort(out.begin(), out.end());
  return out;
}

// Every block, row and stored state is read and checked on the way.
Status read_sources(const fs::path& store_path, Contents& contents) {
  StoreOptions options;
  options.database.path = store_path;
  options.database.read_only = true;
  SILT_ASSIGN(const auto store, RocksStore::open(options));
  SILT_ASSIGN(const auto digests, store->digests());
  contents.sources.clear();
  contents.records = 0;
  for (const SourceDigest& digest : digests) {
    contents.sources.push_back(escape_bytes(digest.to_string()));  // names may hold line ends
    contents.records += digest.journal_seq;
  }
  for (const SourceInfo& info : store->sources()) {
    SILT_ASSIGN(const auto versions, store->versions(info.ref));
    for (const StateVersionInfo& version : versions) SILT_TRY(store->blob(info.ref, version.learned_seq).status());
  }
  return Status::ok();
}

std::string text_of(const Contents& contents) {
  std::ostringstream out;
  out << kHead << "\ntaken " << contents.taken_us << "\nrecords " << contents.records << '\n';
  for (const File& file : contents.files) out << "file " << file.bytes << ' ' << file.sha256 << ' ' << file.name << '\n';
  for (const std::string& source : contents.sources) out << "source " << source << '\n';
  return out.str();
}

Result<Contents> read_contents(const fs::path& directory, std::string& sha256_of_it) {
  const Status damaged = data_loss("backup " + directory.string() + ": its table of contents (" + kContents + ") is damaged");
  std::ifstream in(directory / kContents, std::ios::binary);
  if (!in) return not_found("backup " + directory.string() + ": has no " + std::string(kContents) + ", so it is none");
  std::ostringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  const std::size_t last = text.rfind("sha256 ");
  if (last == std::string::npos) return damaged;
  sha256_of_it = hex_of(sha256(std::string_view(text).substr(0, last)));
  if (text.substr(last) != "sha256 " + sha256_of_it + "\n") return damaged;
  Contents out;
  std::istringstream lines(text.substr(0, last));
  std::string line;
  if (!std::getline(lines, line) || line != kHead) return failed_precondition("backup " + directory.string() + ": of another format");
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "taken") words >> out.taken_us;
    if (kind == "records") words >> out.records;
    if (kind == "source") out.sources.push_back(line.substr(kind.size() + 1));
    if (kind != "file") continue;
    File file;
    words >> file.bytes >> file.sha256 >> file.name;
    out.files.push_back(std::move(file));
  }
  return out;
}

BackupReport report_of(const Contents& contents, std::string sha256) {
  BackupReport report{contents.taken_us, contents.files.size(), 0, contents.sources.size(), contents.records, std::move(sha256)};
  for (const File& file : contents.files) report.bytes += file.bytes;
  return report;
}

Status check_files(const fs::path& directory, const Contents& contents) {
  for (const File& file : contents.files) {
    SILT_ASSIGN(const File now, read_file(directory / file.name));
    if (now.bytes == file.bytes && now.sha256 == file.sha256) continue;
    return data_loss("backup " + directory.string() + ": " + file.name + " is not what it was; take another backup");
  }
  return Status::ok();
}

// What is not in the table of contents is not known to be of the store.
Status check_nothing_else(const fs::path& directory, const Contents& contents) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    const std::string name = entry.path().filename();
    const auto is_it = [&](const File& file) { return file.name == name; };
    if (name == kContents || std::any_of(contents.files.begin(), contents.files.end(), is_it)) continue;
    return data_loss("backup " + directory.string() + ": " + escape_bytes(name) + " is not of it; remove it, or take another backup");
  }
  return failed ? not_found("backup: " + directory.string() + ": " + failed.message()) : Status::ok();
}

Status copy_synced(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::copy_file(from, to, failed);
  if (failed) return internal_error("copy " + from.string() + " to " + to.string() + ": " + failed.message());
  return sync(to);
}

Status give_name(const fs::path& part, const fs::path& name) {
  std::error_code failed;
  fs::rename(part, name, failed);
  if (failed) return internal_error("rename " + part.string() + " to " + name.string() + ": " + failed.message());
  return sync(name.parent_path());
}

// Gone when it is not needed any more: what has no name yet is half of something.
struct Part {
  explicit Part(const fs::path& of) : path(of.string() + kPart) {}
  ~Part() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

// Names, in the store's folder, the part that is being written: what a killed process leaves of a backup is found and
// removed by the next one, wherever that goes.
class UnderWay {
 public:
  UnderWay(const fs::path& store_path, const fs::path& part) : note_(store_path / kUnderWay) {
    std::ifstream in(note_, std::ios::binary);
    const std::string left((std::istreambuf_iterator<char>(in)), {});
    std::error_code ignored;
    for (const char* tail : {"", ".tmp"}) {  // as the library names it first
      if (left.ends_with(kPart)) fs::remove_all(left + tail, ignored);
    }
    std::ofstream(note_, std::ios::binary) << part.string();
  }
  ~UnderWay() {
    std::error_code ignored;
    fs::remove(note_, ignored);
  }

 private:
  const fs::path note_;
};

Status check_target(const fs::path& target) {
  if (!target.is_absolute()) return invalid_argument("\"" + target.string() + "\" is no absolute path");
  if (fs::exists(target)) return Status(Code::kAlreadyExists, target.string() + " is there: name another directory, or move it away");
  if (!fs::is_directory(target.parent_path())) return not_found(target.parent_path().string() + " is no directory: make it first");
  return Status::ok();
}

// However either is written.
bool is_inside(const fs::path& target, const fs::path& folder) {
  std::error_code ignored;
  const fs::path outer = fs::weakly_canonical(folder, ignored), inner = fs::weakly_canonical(target, ignored);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

Status finish(const fs::path& directory, Contents& contents, std::string& sha256_of_it) {
  SILT_TRY(read_sources(directory, contents));
  SILT_ASSIGN(const auto paths, files_in(directory));
  for (const fs::path& path : paths) {
    SILT_ASSIGN(File file, read_file(path));
    SILT_TRY(sync(path));
    contents.files.push_back(std::move(file));
  }
  const std::string text = text_of(contents);
  sha256_of_it = hex_of(sha256(text));
  std::ofstream out(directory / kContents, std::ios::binary);
  out << text << "sha256 " << sha256_of_it << '\n';
  out.close();
  if (!out) return resource_exhausted("backup " + directory.string() + ": its table of contents cannot be written");
  SILT_TRY(sync(directory / kContents));
  return sync(directory);
}

}  // namespace

Result<BackupReport> make_backup(const RocksStore& store, const std::string& directory, const std::vector<std::string>& beside,
                                 std::int64_t now_us) {
  SILT_TRY(check_target(directory));
  if (is_inside(directory, store.path()))
    return invalid_argument(directory + " is in the store itself: what is forgotten there would stay in the backup");
  const Part part(directory);
  const UnderWay under_way(store.path(), part.path);
  std::error_code ignored;
  fs::remove_all(part.path, ignored);
  SILT_TRY(store.checkpoint(part.path));
  fs::permissions(part.path, fs::perms::owner_all, ignored);
  for (const std::string& name : beside) {
    if (fs::exists(fs::path(store.path()) / name)) SILT_TRY(copy_synced(fs::path(store.path()) / name, part.path / name));
  }
  Contents contents;
  contents.taken_us = now_us;
  std::string sha256_of_it;
  SILT_TRY(finish(part.path, contents, sha256_of_it));
  SILT_TRY(give_name(part.path, directory));
  return report_of(contents, std::move(sha256_of_it));
}

Result<BackupReport> verify_backup(const std::string& directory) {
  std::string sha256_of_it;
  SILT_ASSIGN(const Contents contents, read_contents(directory, sha256_of_it));
  SILT_TRY(check_files(directory, contents));
  SILT_TRY(check_nothing_else(directory, contents));
  return report_of(contents, std::move(sha256_of_it));
}

Result<BackupReport> restore_backup(const std::string& directory, const std::string& store_path, const std::string& told) {
  SILT_TRY(check_target(store_path));
  std::string sha256_of_it;
  SILT_ASSIGN(const Contents contents, read_contents(directory, sha256_of_it));
  SILT_TRY(check_files(directory, contents));
  const Part part(store_path);
  std::error_code failed;
  fs::remove_all(part.path, failed);
  fs::create_directory(part.path, failed);
  if (failed) return permission_denied("make " + part.path.string() + ": " + failed.message());
  fs::permissions(part.path, fs::perms::owner_all, failed);
  for (const File& file : contents.files) SILT_TRY(copy_synced(fs::path(directory) / file.name, part.path / file.name));
  Contents restored;
  SILT_TRY(read_sources(part.path, restored));
  if (restored.sources != contents.sources) return data_loss("the copy of " + directory + " is not what it is a copy of; nothing was restored");
  if (!told.empty()) SILT_TRY(copy_synced(told, told_path(part.path)));
  SILT_TRY(sync(part.path));
  SILT_TRY(give_name(part.path, store_path));
  return report_of(contents, std::move(sha256_of_it));
}

}  // namespace silt::store
