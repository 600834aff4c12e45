// Where columns keep their bytes: short pieces of all columns lie together in one pool, long ones each
// in a frame of its own, so that a column can be read without the others and bytes of one kind are
// compressed together. Reader and writer must go through a column's pieces in the same order.
//
// A column begins at a Place, which is all that must be known to read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace silt::store {

inline constexpr std::size_t kFrameBytesMin = 512;  // a shorter piece goes to the pool

struct Place {
  std::uint32_t pool = 0;   // bytes of the pool before it
  std::uint32_t frame = 0;  // frames before it
};

// One frame, packed or, where that is not shorter, as it is.
struct Frame {
  std::uint32_t raw_bytes = 0;
  std::uint32_t packed_bytes = 0;  // equal to raw_bytes: not packed
  std::uint32_t checksum = 0;      // of the packed bytes
};

class PieceWriter {
 public:
  ByteWriter& pool() { return pool_; }  // parameters: numbers and short strings
  void piece(std::string_view bytes);   // the reader must know its size
  Place here() const;

  // Packs the pool, too: it is the last frame. Then empty again.
  void finish(std::vector<Frame>& frames, std::string& bytes);

 private:
  void pack(std::string_view raw);
  ByteWriter pool_;
  std::vector<Frame> frames_;
  std::string bytes_;
};

// What PieceWriter::finish() wrote: views that must outlive their readers.
struct Pieces {
  std::string_view pool;  // unpacked
  std::span<const Frame> frames;
  std::span<const std::size_t> offsets;  // of the frames in `bytes`
  std::string_view bytes;
};

// Unpacks and checks one frame.
Status unpack_frame(const Frame& frame, std::string_view packed, std::string& out);

class PieceReader {
 public:
  PieceReader(const Pieces& pieces, Place place);

  ByteReader& pool() { return pool_; }
  // The next piece, of exactly `size` bytes; it stays where it is as long as `keep`.
  Status piece(std::size_t size, std::string& keep, std::string_view& out);

 private:
  const Pieces& pieces_;
  ByteReader pool_;
  std::size_t frame_;
};

std::uint32_t frame_checksum(std::string_view bytes);

}  // namespace silt::store
