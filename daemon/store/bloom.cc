#include "daemon/store/bloom.h"

#include "daemon/store/hash64.h"

namespace silt::store {
namespace {

constexpr std::size_t kBitsPerTerm = 10;
constexpr std::size_t kBlockBits = kBloomBlockBytes * 8;
constexpr int kProbes = 6;

std::size_t block_of(std::uint64_t hash, std::size_t blocks) {
  return static_cast<std::size_t>((static_cast<unsigned __int128>(hash) * blocks) >> 64);
}

// The low 54 bits of a second hash: six times nine bits.
std::uint64_t probes_of(std::uint64_t hash) {
  return mix64(hash, 0xa0761d6478bd642f);
}

}  // namespace

void BloomBuilder::add(std::string_view term) {
  hashes_.number_of(static_cast<std::int64_t>(hash64(term)));
}

std::string BloomBuilder::finish() {
  const std::size_t blocks = (hashes_.size() * kBitsPerTerm + kBlockBits - 1) / kBlockBits;
  std::string bytes(blocks * kBloomBlockBytes, '\0');
  for (const std::int64_t value : hashes_.values()) {
    const auto hash = static_cast<std::uint64_t>(value);
    char* const block = bytes.data() + block_of(hash, blocks) * kBloomBlockBytes;
    std::uint64_t probes = probes_of(hash);
    for (int i = 0; i < kProbes; ++i, probes >>= 9) {
      block[(probes >> 3) & 63] = static_cast<char>(block[(probes >> 3) & 63] | (1 << (probes & 7)));
    }
  }
  hashes_.clear();
  return bytes;
}

bool bloom_may_contain(std::string_view bytes, std::string_view term) {
  const std::size_t blocks = bytes.size() / kBloomBlockBytes;
  if (blocks == 0) return false;
  const std::uint64_t hash = hash64(term);
  const std::string_view block = bytes.substr(block_of(hash, blocks) * kBloomBlockBytes, kBloomBlockBytes);
  std::uint64_t probes = probes_of(hash);
  for (int i = 0; i < kProbes; ++i, probes >>= 9) {
    if ((block[(probes >> 3) & 63] & (1 << (probes & 7))) == 0) return false;
  }
  return true;
}

}  // namespace silt::store
