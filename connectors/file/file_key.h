// FileKey and Fingerprint: which file is it, and is it still what we read?
//
// A name says nothing and an inode number is used again, so a file is known by device, inode,
// birth time and inode version as far as the file system tells them; and what was read of it by a
// digest of its first bytes and of the last bytes before the read position. 4 KiB of them, because
// a few dozen bytes are the same for all lines that end alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/digest.h"
#include "base/status.h"

namespace silt::connectors {

struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;  // 0: not told by the file system
  std::uint32_t version = 0;  // FS_IOC_GETVERSION; 0: not told

  // Unknown parts do not count against it.
  bool may_be(const FileKey& other) const;
};

// What the file system says about a file at one moment.
struct FileLook {
  FileKey key;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t blocks = 0;  // on disk, of 512 bytes
  std::uint32_t links = 0;
  bool regular = false;
  bool directory = false;
};

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)), far_(other.far_) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(far_, other.far_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset();
  int get() const { return fd_; }
  // Its reads are made by a child process (far_read.h).
  bool far() const { return far_; }
  void set_far(bool far) { far_ = far; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
  bool far_ = false;
};

// By path: follows links and leaves the version unknown, because asking for it needs an open file.
Result<FileLook> look_at(const std::string& path);
Result<FileLook> look_at(const Fd& fd);
// For reading; fails for everything but a regular file, and never waits for a pipe's writer.
Result<Fd> open_regular(const std::string& path);
// The path without links, or `path` itself when that cannot be told.
std::string resolve_links(const std::string& path);
// Where the link leads, be there a file or not; empty when `path` is no link.
std::string link_target(const std::string& path);
// The path under which the file was opened, without links; empty when that cannot be told.
std::string path_of(const Fd& fd);
// Reads until `size` bytes or the end of the file; the count.
Result<std::size_t> read_at(const Fd& fd, std::uint64_t offset, char* data, std::size_t size);
// The next offset at or after `offset` that holds data (SEEK_DATA); `none` when only a hole follows.
std::uint64_t next_data(const Fd& fd, std::uint64_t offset, std::uint64_t none);

// Digest of a few bytes whose place the owner knows.
struct Fingerprint {
  std::uint32_t size = 0;
  Digest digest;

  static Fingerprint of(std::string_view bytes);
  // Of a file's first bytes, without the NULs at their end: those may be filled in later.
  static Fingerprint of_head(std::string_view bytes);
  bool fits(std::string_view bytes) const {
    return bytes.size() == size && (size == 0 || digest_of(bytes) == digest);
  }
};

constexpr std::uint32_t kHeadBytes = 1024;
constexpr std::uint32_t kTailBytes = 4096;

// What a file must still hold for us to have read `offset` bytes of it.
struct ContentProof {
  Fingerprint head;  // of its first bytes
  Fingerprint tail;  // of the last bytes before `offset`
  std::uint64_t offset = 0;
};

// True when the open file holds all that the proof names. An unreadable file does not.
bool holds(const Fd& fd, const ContentProof& proof);

}  // namespace silt::connectors
