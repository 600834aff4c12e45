// Which native paths this machine ran. A path that it lacks is skipped by name, so that the summary of a test
// run says what nobody tested; scripts/test repeats the line printed here.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "model/cpu/backend_cpu.h"
#include "model/cpu/features.h"
#include "tests/model/kernels_wide.h"

namespace silt::model {
namespace {

const std::vector<std::string> kPaths = {"amx", "avx512bf16", "avx512", "avx2", "baseline"};

class NativePath : public testing::TestWithParam<std::string> {};

using Values = std::vector<float>;

// a [rows][k] times a packed panel [k][32], by this table.
Values product(const cpu::Kernels& kernels, int rows, int k) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const auto size = [](int n, int m) { return static_cast<std::size_t>(n) * static_cast<std::size_t>(m); };
  Values a(size(rows, k)), b(size(k, cpu::kBlock));
  for (Values* values : {&a, &b}) {
    for (float& value : *values) value = normal(random);
  }
  std::vector<cpu::Bf16> left(size(rows + cpu::kRowPad, k)), plain(b.size()), panel(b.size());
  kernels.narrow(a.data(), static_cast<long>(a.size()), left.data());
  kernels.narrow(b.data(), static_cast<long>(b.size()), plain.data());
  for (int block = 0; block < k; block += cpu::kBlock) {
    kernels.pack_block(plain.data() + size(block, cpu::kBlock), cpu::kBlock,
                       panel.data() + size(block, cpu::kBlock));
  }
  Values c(size(rows + cpu::kRowPad, cpu::kBlock));
  kernels.enter();
  kernels.product(left.data(), k, rows, panel.data(), k, c.data(), cpu::kBlock, false);
  kernels.leave();
  c.resize(size(rows, cpu::kBlock));
  return c;
}

// Every path multiplies the same bfloat16 values: what differs is the order of single-precision sums.
TEST_P(NativePath, Runs) {
  if (!cpu_available(GetParam())) GTEST_SKIP() << "this processor lacks " << GetParam();
  const cpu::Kernels kernels = cpu::kernels_of(GetParam());
  for (const int rows : {1, 2, 3, 11, 12, 31, 61}) {
    const Values native = product(kernels, rows, 96), wide = product(cpu::kernels_wide(), rows, 96);
    if (GetParam() == "avx512") {
      EXPECT_EQ(native, wide) << rows << " rows";  // 16 lanes, fused, pair by pair: all the same
      continue;
    }
    for (std::size_t i = 0; i < native.size(); ++i) {  // 96 products of deviation 1, each rounded by 2^-24
      ASSERT_NEAR(native[i], wide[i], 96 * 10 * 6e-8) << rows << " rows, element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, NativePath, testing::ValuesIn(kPaths),
                         [](const auto& path) { return path.param; });

TEST(NativePaths, AreNamed) {
  std::string here, lacking;
  for (const std::string& path : kPaths) {
    std::string& list = cpu_available(path) ? here : lacking;
    list += " " + path;
  }
  std::printf("native paths on this machine:%s%s%s\n", here.c_str(),
              lacking.empty() ? "" : "; not tested:", lacking.c_str());
  std::size_t known = 0;
  for (const std::string& path : kPaths) known += cpu_available(path) ? 1 : 0;
  EXPECT_EQ(known, cpu_backends().size()) << "a path that is not in this test's list";
}

}  // namespace
}  // namespace silt::model
