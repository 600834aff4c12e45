#include "model/backends/backends.h"

#include "model/cpu/backend_cpu.h"
#include "model/ref/backend_ref.h"

namespace silt::model {
namespace {

constexpr std::string_view kRef = "ref-f32";
constexpr std::string_view kRefDouble = "ref-f64";

}  // namespace

std::vector<std::string> available_backends() {
  std::vector<std::string> names = cpu_backends();
  names.emplace_back(kRef);
  names.emplace_back(kRefDouble);
  return names;
}

Result<std::unique_ptr<Backend>> open_backend(const BackendOptions& options, const ModelConfig& config) {
  SILT_TRY(config.validate());
  if (options.devices != 1) return invalid_argument("several devices are of backend cuda");
  if (options.threads < 1) return invalid_argument("backend threads must be 1 or more");
  if (options.name == "ref" || options.name == kRef) {
    return std::unique_ptr<Backend>(make_ref_backend<float>(config));
  }
  if (options.name == kRefDouble) return std::unique_ptr<Backend>(make_ref_backend<double>(config));
  if (options.name == "auto" || options.name == "cpu" || options.name.starts_with("cpu-")) {
    return open_cpu_backend(options, config);
  }
  std::string known;
  for (const std::string& name : available_backends()) known += " " + name;
  if (options.name.starts_with("cuda")) {
    return invalid_argument("backend " + options.name + " has no single operations; available here:" + known);
  }
  return invalid_argument("unknown backend \"" + options.name + "\"; available here: auto cpu ref" + known);
}

}  // namespace silt::model
