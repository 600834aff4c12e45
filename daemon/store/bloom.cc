#include "daemon/store/bloom.h"

#include <algorithm>

#include "daemon/store/hash64.h"

namespace silt::store {
namespace {

constexpr std::size_t kBitsPerTerm = 10;
constexpr std::size_t kBlockBits = kBloomBlockBytes * 8;
constexpr int kProbes = 6;
constexpr std::size_t kCompactAt = 4096;  // hashes collected before repeats are thrown out

std::size_t block_of(std::uint64_t hash, std::size_t blocks) {
  return static_cast<std::size_t>((static_cast<unsigned __int128>(hash) * blocks) >> 64);
}

// The low 54 bits of a second hash: six times nine bits.
std::uint64_t probes_of(std::uint64_t hash) {
  return mix64(hash, 0xa0761d6478bd642f);
}

void drop_repeats(std::vector<std::uint64_t>& hashes) {
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

}  // namespace

void BloomBuilder::add(std::string_view term) {
  if (hashes_.size() >= kCompactAt && hashes_.size() == hashes_.capacity()) {
    drop_repeats(hashes_);
    hashes_.reserve(2 * hashes_.size());  // else the few that went would soon be back, and all be sorted again
  }
  hashes_.push_back(hash64(term));
}

std::string BloomBuilder::finish() {
  drop_repeats(hashes_);
  const std::size_t blocks = (hashes_.size() * kBitsPerTerm + kBlockBits - 1) / kBlockBits;
  std::string bytes(blocks * kBloomBlockBytes, '\0');
  for (const std::uint64_t hash : hashes_) {
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
