// gpu_check [--weights FILE] [--quick] [--own-products] [--only NAME[,NAME]] [--lanes N] [LOG...]: prints a table and PASS, or what
// failed. --own-products: without cuBLASLt, for tools that watch every access.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "model/cuda/cuda_engine.h"
#include "model/cuda/shared_products.h"
#include "model/default_weights.h"
#include "tests/cuda/gpu_checks.h"

namespace silt::model {
namespace {

struct Check {
  std::string_view name;
  Status (*run)(const CheckContext&, CheckRows&);
};
constexpr Check kChecks[] = {
    {"kernels", check_kernels}, {"agreement", check_agreement}, {"gradient", check_gradient}, {"lanes", check_lanes},
    {"states", check_states},   {"scores", check_scores},       {"reader", check_reader},     {"loss", check_loss},
    {"mixers", check_mixers}};

int run(int argc, char** argv) {
  std::string weights;
  std::string_view only;
  CheckContext context;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--weights" && i + 1 < argc) {
      weights = argv[++i];
    } else if (argument == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (argument == "--lanes" && i + 1 < argc) {
      context.lanes = std::clamp(std::atoi(argv[++i]), 2, 9);
    } else if (argument == "--quick") {
      context.quick = true;
    } else if (argument == "--own-products") {
      cuda::use_own_products_only();
    } else {
      context.logs.emplace_back(argument);
    }
  }
  if (weights.empty()) {
    auto found = find_default_weights();
    if (found.is_ok()) weights = *found;
  }
  auto model = Model::open(weights);
  if (!model.is_ok()) {
    std::fprintf(stderr, "gpu_check: %s\n", model.status().message().c_str());
    return 2;
  }
  context.model = *model;
  std::printf("%s, %d devices\n", cuda_build().c_str(), cuda_devices());
  bool passed = true;
  for (const Check& check : kChecks) {
    if (!only.empty() && only.find(check.name) == only.npos) continue;
    CheckRows rows;
    const auto start = std::chrono::steady_clock::now();
    const Status status = check.run(context, rows);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    for (const CheckRow& row : rows) {
      std::printf("%-5s %-10.*s %-58s %-22s %s\n", row.passed ? "ok" : "WRONG", static_cast<int>(check.name.size()),
                  check.name.data(), row.what.c_str(), row.measured.c_str(), row.wanted.c_str());
      passed &= row.passed;
    }
    if (!status.is_ok()) std::printf("ERROR %s: %s\n", check.name.data(), status.to_string().c_str());
    passed &= status.is_ok();
    std::printf("      %s took %.1f s\n", check.name.data(), elapsed.count());
    std::fflush(stdout);
  }
  std::printf("%s\n", passed ? "PASS" : "FAIL");
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace silt::model

int main(int argc, char** argv) { return silt::model::run(argc, argv); }
