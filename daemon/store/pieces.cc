#include "daemon/store/pieces.h"

#include "base/digest.h"
#include "daemon/store/compress.h"

namespace silt::store {
namespace {

constexpr int kLevel = 1;

}  // namespace

std::uint32_t frame_checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(digest_of(bytes).low);
}

void PieceWriter::pack(std::string_view raw) {
  const std::size_t before = bytes_.size();
  compress_append(raw, kLevel, bytes_);
  if (bytes_.size() - before >= raw.size()) {
    bytes_.resize(before);
    bytes_.append(raw);
  }
  const std::string_view packed = std::string_view(bytes_).substr(before);
  frames_.push_back({static_cast<std::uint32_t>(raw.size()), static_cast<std::uint32_t>(packed.size()),
                     frame_checksum(packed)});
}

void PieceWriter::piece(std::string_view bytes) {
  if (bytes.size() < kFrameBytesMin) {
    pool_.raw(bytes.data(), bytes.size());
  } else {
    pack(bytes);
  }
}

Place PieceWriter::here() const {
  return {static_cast<std::uint32_t>(pool_.bytes().size()), static_cast<std::uint32_t>(frames_.size())};
}

void PieceWriter::finish(std::vector<Frame>& frames, std::string& bytes) {
  pack(pool_.bytes());
  frames = std::move(frames_);
  bytes = std::move(bytes_);
  pool_ = {};
  frames_.clear();
  bytes_.clear();
}

Status unpack_frame(const Frame& frame, std::string_view packed, std::string& out) {
  if (packed.size() != frame.packed_bytes || frame_checksum(packed) != frame.checksum) {
    return data_loss("segment: a frame fails its checksum");
  }
  if (frame.packed_bytes == frame.raw_bytes) {
    out.assign(packed);
    return Status::ok();
  }
  out.resize(frame.raw_bytes);
  return decompress(packed, out.data(), out.size()).with_context("segment");
}

PieceReader::PieceReader(const Pieces& pieces, Place place)
    : pieces_(pieces),
      pool_(pieces.pool.substr(std::min<std::size_t>(place.pool, pieces.pool.size()))),
      frame_(place.frame) {}

Status PieceReader::piece(std::size_t size, std::string& keep, std::string_view& out) {
  if (size < kFrameBytesMin) {
    keep.resize(size);
    if (!pool_.raw(keep.data(), size)) return data_loss("segment: the pool of short pieces ends too early");
    out = keep;
    return Status::ok();
  }
  // The pool is the last frame, and no column's.
  if (frame_ + 1 >= pieces_.frames.size() || pieces_.frames[frame_].raw_bytes != size) {
    return data_loss("segment: a column's frame is missing or of another size");
  }
  const Frame& frame = pieces_.frames[frame_];
  SILT_TRY(unpack_frame(frame, pieces_.bytes.substr(pieces_.offsets[frame_], frame.packed_bytes), keep));
  ++frame_;
  out = keep;
  return Status::ok();
}

}  // namespace silt::store
