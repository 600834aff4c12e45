#include "connectors/file/file_key.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "connectors/file/far_read.h"

namespace silt::connectors {
namespace {

std::int64_t nanoseconds(const struct statx_timestamp& stamp) {
  return static_cast<std::int64_t>(stamp.tv_sec) * 1'000'000'000 + stamp.tv_nsec;
}

Result<FileLook> look(int directory_fd, const char* path, int flags, const std::string& name) {
  struct statx info {};
  const unsigned mask = STATX_BASIC_STATS | STATX_BTIME;
  if (::statx(directory_fd, path, flags | AT_STATX_SYNC_AS_STAT, mask, &info) != 0) {
    return errno_status("stat " + name, errno);
  }
  FileLook look;
  look.key.device = gnu_dev_makedev(info.stx_dev_major, info.stx_dev_minor);
  look.key.inode = info.stx_ino;
  if (info.stx_mask & STATX_BTIME) look.key.birth_ns = nanoseconds(info.stx_btime);
  look.size = info.stx_size;
  look.modified_ns = nanoseconds(info.stx_mtime);
  look.blocks = info.stx_blocks;
  look.links = info.stx_nlink;
  look.regular = S_ISREG(info.stx_mode);
  look.directory = S_ISDIR(info.stx_mode);
  return look;
}

}  // namespace

bool FileKey::may_be(const FileKey& other) const {
  const auto clash = [](auto a, auto b) { return a != 0 && b != 0 && a != b; };
  return device == other.device && inode == other.inode && !clash(birth_ns, other.birth_ns) &&
         !clash(version, other.version);
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<FileLook> look_at(const std::string& path) {
  return look(AT_FDCWD, path.c_str(), 0, path);
}

Result<FileLook> look_at(const Fd& fd) {
  SILT_ASSIGN(FileLook found, look(fd.get(), "", AT_EMPTY_PATH, "open file"));
  long version = 0;  // the kernel writes an int; the request's type says long
  if (::ioctl(fd.get(), FS_IOC_GETVERSION, &version) == 0)
    found.key.version = static_cast<std::uint32_t>(version);
  return found;
}

Result<Fd> open_regular(const std::string& path) {
  SILT_ASSIGN(const FileLook before, look_at(path));
  if (!before.regular) return failed_precondition(path + " is not a regular file");
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return errno_status("open " + path, errno);
  fd.set_far(is_far(fd.get()));
  SILT_ASSIGN(const FileLook after, look_at(fd));
  if (!after.regular) return failed_precondition(path + " is not a regular file");
  return fd;
}

std::string resolve_links(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result(resolved);
  std::free(resolved);
  return result;
}

std::string link_target(const std::string& path) {
  char text[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
  if (size <= 0) return {};
  std::string target(text, static_cast<std::size_t>(size));
  if (!target.starts_with('/')) target.insert(0, path, 0, path.rfind('/') + 1);
  const std::size_t slash = target.rfind('/');
  return resolve_links(target.substr(0, std::max<std::size_t>(slash, 1))) + target.substr(slash);
}

std::string path_of(const Fd& fd) {
  char text[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  const ssize_t size = ::readlink(link.c_str(), text, sizeof text);
  return size <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

Result<std::size_t> read_at(const Fd& fd, std::uint64_t offset, char* data, std::size_t size) {
  std::size_t done = 0;
  while (fd.far() && done < size) {
    SILT_ASSIGN(const std::size_t count, far_read(fd.get(), offset + done, data + done, size - done));
    if (count == 0) return done;
    done += count;
  }
  while (done < size) {
    const ssize_t count = ::pread(fd.get(), data + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("read", errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::uint64_t next_data(const Fd& fd, std::uint64_t offset, std::uint64_t none) {
  const off_t found = ::lseek(fd.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return static_cast<std::uint64_t>(found);
  return errno == ENXIO ? none : offset;  // a file system without SEEK_DATA: all of it is data
}

Fingerprint Fingerprint::of(std::string_view bytes) {
  return {static_cast<std::uint32_t>(bytes.size()), digest_of(bytes)};
}

Fingerprint Fingerprint::of_head(std::string_view bytes) {
  const std::string_view first = bytes.substr(0, kHeadBytes);
  return of(first.substr(0, first.find_last_not_of('\0') + 1));
}

bool holds(const Fd& fd, const ContentProof& proof) {
  char bytes[kTailBytes];
  const auto part_fits = [&](std::uint64_t begin, const Fingerprint& print) {
    if (print.size > sizeof bytes) return false;  // a damaged row
    const Result<std::size_t> count = read_at(fd, begin, bytes, print.size);
    return count.is_ok() && print.fits({bytes, *count});
  };
  return proof.tail.size <= proof.offset && part_fits(0, proof.head) &&
         part_fits(proof.offset - proof.tail.size, proof.tail);
}

}  // namespace silt::connectors
