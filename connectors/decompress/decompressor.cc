#include "connectors/decompress/decompressor.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace silt::connectors {
namespace {

constexpr std::size_t kBlockBytes = 256 << 10;

struct Close {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

}  // namespace

struct Decompressor::Parts {
  std::unique_ptr<archive, Close> reader;
  std::string path;
  bool empty = false;
  const char* block = nullptr;  // the library's, of which `left` bytes were not given yet
  std::size_t left = 0;

  Status failure() const {
    const int code = archive_errno(reader.get());
    const char* const text = archive_error_string(reader.get());
    const std::string what = path + ": " + (text == nullptr ? "cannot be decompressed" : text);
    if (code == ENOENT || code == EACCES || code == EIO) return errno_status("read " + path, code);
    return data_loss(what + "; the rest of it is not read: restore the file, or remove it");
  }
};

Decompressor::Decompressor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

Result<Decompressor> Decompressor::open(const std::string& path) {
  auto parts = std::make_unique<Parts>();
  parts->path = path;
  parts->reader.reset(archive_read_new());
  archive* const reader = parts->reader.get();
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_zstd(reader);
  archive_read_support_format_raw(reader);
  archive_read_support_format_empty(reader);
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader, path.c_str(), kBlockBytes) != ARCHIVE_OK) return parts->failure();
  const int found = archive_read_next_header(reader, &entry);
  parts->empty = found == ARCHIVE_EOF;
  if (found != ARCHIVE_OK && !parts->empty) return parts->failure();
  return Decompressor(std::move(parts));
}

Result<std::size_t> Decompressor::read(char* to, std::size_t size) {
  if (parts_->empty) return std::size_t{0};
  if (parts_->left == 0) {  // block by block: what comes before a damage is given
    const void* block = nullptr;
    la_int64_t offset = 0;
    const int found = archive_read_data_block(parts_->reader.get(), &block, &parts_->left, &offset);
    parts_->block = static_cast<const char*>(block);
    if (found == ARCHIVE_EOF) return parts_->left = 0;
    if (found != ARCHIVE_OK) return parts_->left = 0, parts_->failure();
  }
  const std::size_t count = std::min(size, parts_->left);
  std::memcpy(to, parts_->block, count);
  parts_->block += count;
  parts_->left -= count;
  return count;
}

std::uint64_t Decompressor::compressed_bytes() const {
  return static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_filter_bytes(parts_->reader.get(), -1)));
}

}  // namespace silt::connectors
