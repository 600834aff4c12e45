#include "model/cpu/features.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace silt::model::cpu {
namespace {

constexpr long kRequestPermission = 0x1023;  // arch_prctl(ARCH_REQ_XCOMP_PERM)
constexpr long kTileData = 18;               // XFEATURE_XTILEDATA

std::uint64_t enabled_state() {  // what the kernel saves for us: XCR0
  std::uint32_t low;
  std::uint32_t high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<std::uint64_t>(high) << 32 | low;
}

bool bit(std::uint32_t word, int n) {
  return (word >> n & 1U) != 0;
}

struct Features {
  bool avx2 = false;
  bool avx512 = false;
  bool avx512bf16 = false;
  bool amx = false;
};

Features detect() {
  Features f;
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;
  std::uint32_t d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || !bit(c, 27)) return f;  // OSXSAVE
  const bool fma = bit(c, 12);
  const std::uint64_t state = enabled_state();
  const bool ymm = (state & 0x6) == 0x6;
  const bool zmm = (state & 0xe6) == 0xe6;
  const bool tiles = (state & 0x60000) == 0x60000;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return f;
  f.avx2 = ymm && fma && bit(b, 5);
  f.avx512 = zmm && f.avx2 && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);  // F, DQ, BW, VL
  const bool vnni = bit(c, 11);  // every CPU with BF16 instructions has it; a hypervisor may hide it
  const bool amx_bf16 = bit(d, 22) && bit(d, 24);
  if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) f.avx512bf16 = f.avx512 && vnni && bit(a, 5);
  f.amx = f.avx512bf16 && amx_bf16 && tiles && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return f;
}

}  // namespace

std::vector<std::string> usable_isas() {
  const Features f = detect();
  std::vector<std::string> isas;
  if (f.amx) isas.emplace_back("amx");
  if (f.avx512bf16) isas.emplace_back("avx512bf16");
  if (f.avx512) isas.emplace_back("avx512");
  if (f.avx2) isas.emplace_back("avx2");
  isas.emplace_back("baseline");
  return isas;
}

Kernels kernels_of(std::string_view isa) {
  if (isa == "amx") {
    Kernels table = kernels_avx512bf16();
    install_amx(table);
    return table;
  }
  if (isa == "avx512bf16") return kernels_avx512bf16();
  if (isa == "avx512") return kernels_avx512();
  if (isa == "avx2") return kernels_avx2();
  SILT_CHECK(isa == "baseline");
  return kernels_baseline();
}

}  // namespace silt::model::cpu
