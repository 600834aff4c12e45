// Which native paths this machine ran. A path that it lacks is skipped by name, so that the summary of a test
// run says what nobody tested; scripts/test repeats the line printed here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
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

// a [rows][k], of row stride k + 2, times a panel: plainly, and by this table into rows of 20.
std::vector<std::int32_t> int8_product(const cpu::Kernels* kernels, int rows, int k) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> words(-8191, 8191), bytes(-127, 127);
  const auto size = [](int n, int m) { return static_cast<std::size_t>(n) * static_cast<std::size_t>(m); };
  std::vector<std::int16_t> a(size(rows, k + 2));
  std::vector<std::int8_t> panel(size(k, cpu::kInt8Columns));
  for (std::int16_t& value : a) value = static_cast<std::int16_t>(words(random));
  for (std::int8_t& value : panel) value = static_cast<std::int8_t>(bytes(random));
  std::fill_n(a.begin(), k, std::int16_t{8191});  // the largest sum of all
  for (int i = 0; i < k; ++i) panel[size(i / 2, 32) + static_cast<std::size_t>(i % 2)] = 127;
  std::vector<std::int32_t> c(size(rows, 20), -1);
  if (kernels != nullptr) {
    kernels->multiply_int8(a.data(), k + 2, rows, panel.data(), k, c.data(), 20);
    return c;
  }
  for (int i = 0; i < rows; ++i) {
    for (int n = 0; n < cpu::kInt8Columns; ++n) {
      std::int32_t& sum = c[size(i, 20) + static_cast<std::size_t>(n)] = 0;
      for (int j = 0; j < k; ++j) {
        sum += a[size(i, k + 2) + static_cast<std::size_t>(j)] *
               panel[size(j / 2, 32) + static_cast<std::size_t>(2 * n + j % 2)];
      }
    }
  }
  return c;
}

TEST_P(NativePath, MultipliesInt8Exactly) {
  if (!cpu_available(GetParam())) GTEST_SKIP() << "this processor lacks " << GetParam();
  const cpu::Kernels kernels = cpu::kernels_of(GetParam());
  for (int rows = 1; rows <= 26; ++rows) {
    ASSERT_EQ(int8_product(&kernels, rows, 384), int8_product(nullptr, rows, 384)) << rows << " rows";
  }
  EXPECT_EQ(int8_product(&kernels, 5, 1536), int8_product(nullptr, 5, 1536));
  EXPECT_EQ(int8_product(&cpu::kernels_wide(), 25, 2), int8_product(nullptr, 25, 2));
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
