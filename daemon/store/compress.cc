#include "daemon/store/compress.h"

#include <lz4.h>
#include <zstd.h>

#include <memory>

#include "base/check.h"

namespace silt::store {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

void compress_append(std::string_view raw, int level, std::string& out) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  SILT_CHECK(context);
  const std::size_t before = out.size();
  const std::size_t bound = ZSTD_compressBound(raw.size());
  out.resize(before + bound);
  const std::size_t size =
      ZSTD_compressCCtx(context.get(), out.data() + before, bound, raw.data(), raw.size(), level);
  SILT_CHECK(!ZSTD_isError(size));
  out.resize(before + size);
}

Status decompress(std::string_view packed, char* out, std::size_t size) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  SILT_CHECK(context);
  const std::size_t got = ZSTD_decompressDCtx(context.get(), out, size, packed.data(), packed.size());
  if (ZSTD_isError(got)) return data_loss(std::string("zstd: ") + ZSTD_getErrorName(got));
  if (got != size) return data_loss("zstd: the frame has another size than its header says");
  return Status::ok();
}

void lz4_append(std::string_view raw, std::string& out) {
  SILT_CHECK(raw.size() <= LZ4_MAX_INPUT_SIZE);
  const int bound = LZ4_compressBound(static_cast<int>(raw.size()));
  const std::size_t before = out.size();
  out.resize(before + static_cast<std::size_t>(bound));
  const int size = LZ4_compress_default(raw.data(), out.data() + before, static_cast<int>(raw.size()), bound);
  SILT_CHECK(size > 0);
  out.resize(before + static_cast<std::size_t>(size));
}

Status unpack_lz4(std::string_view packed, char* out, std::size_t size) {
  if (packed.size() > LZ4_MAX_INPUT_SIZE || size > LZ4_MAX_INPUT_SIZE) return data_loss("lz4: too many bytes for a block");
  const int got = LZ4_decompress_safe(packed.data(), out, static_cast<int>(packed.size()), static_cast<int>(size));
  if (got < 0 || static_cast<std::size_t>(got) != size) return data_loss("lz4: the block is damaged");
  return Status::ok();
}

}  // namespace silt::store
