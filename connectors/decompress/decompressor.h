// Decompressor: the bytes of a file as they were before it was compressed with gzip, xz or zstd, or as they are. What
// it is, the first bytes say, not the name. Reads on from part to part of a file that holds several.
//
// A stream of bytes, from the front: nothing of it is kept. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"

namespace silt::connectors {

class Decompressor {
 public:
  // kNotFound, kPermissionDenied: as the file system says.
  static Result<Decompressor> open(const std::string& path);
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;

  // Some, up to `size`; 0: the end. kDataLoss: it is cut short or damaged from here on, or some kilobytes later; what was
  // read before is good.
  Result<std::size_t> read(char* to, std::size_t size);

  // Of the file itself, so far: for progress.
  std::uint64_t compressed_bytes() const;

 private:
  struct Parts;
  explicit Decompressor(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace silt::connectors
