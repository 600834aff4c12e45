#include "model/cpu/backend_cpu.h"

#include <algorithm>

#include "model/cpu/cpu_backend.h"
#include "model/cpu/features.h"

namespace silt::model {
namespace {

constexpr std::string_view kPrefix = "cpu-";
constexpr int kThreadsMax = 64;

}  // namespace

std::vector<std::string> cpu_backends() {
  std::vector<std::string> names = cpu::usable_isas();
  for (std::string& name : names) name.insert(0, kPrefix);
  return names;
}

bool cpu_available(std::string_view isa) {
  const std::vector<std::string> isas = cpu::usable_isas();
  return std::find(isas.begin(), isas.end(), isa) != isas.end();
}

Result<std::unique_ptr<Backend>> open_cpu_backend(const BackendOptions& options, const ModelConfig& config) {
  SILT_TRY(cpu::check_shape(config));
  if (options.threads < 1 || options.threads > kThreadsMax) {
    return invalid_argument("backend threads must be 1 to " + std::to_string(kThreadsMax) + ", not " +
                            std::to_string(options.threads));
  }
  const std::vector<std::string> names = cpu_backends();
  const bool best = options.name == "auto" || options.name == "cpu";
  const auto chosen = best ? names.begin() : std::find(names.begin(), names.end(), options.name);
  if (chosen == names.end()) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return failed_precondition("backend " + options.name +
                               " does not run on this machine; available: " + list);
  }
  return std::unique_ptr<Backend>(std::make_unique<cpu::CpuBackend>(
      config, cpu::kernels_of(std::string_view(*chosen).substr(kPrefix.size())), options.threads));
}

}  // namespace silt::model
