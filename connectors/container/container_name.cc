#include "connectors/container/container_name.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "connectors/json.h"

namespace silt::connectors {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kGenerated = "bcdfghjklmnpqrstvwxz2456789";  // of the names that Kubernetes makes up
constexpr std::size_t kGeneratedSize = 5;
constexpr std::size_t kHashMin = 6, kHashMax = 10;
constexpr std::size_t kIdSize = 64;
constexpr std::size_t kShortId = 12;
constexpr std::size_t kConfigBytesMax = 1 << 20;

bool all_of(std::string_view text, std::string_view letters) {
  return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

bool is_id(std::string_view text) {
  return text.size() == kIdSize && all_of(text, kHexDigits);
}

// Takes what is behind the last `separator` off, if there is one.
std::string_view take_last(std::string_view& text, char separator) {
  const std::size_t at = text.rfind(separator);
  if (at == std::string_view::npos) return {};
  const std::string_view last = text.substr(at + 1);
  text = text.substr(0, at);
  return last;
}

// "namespace_pod_uid"; no name of Kubernetes has an underscore.
bool split_in_three(std::string_view text, std::string_view (&parts)[3]) {
  if (std::count(text.begin(), text.end(), '_') != 2) return false;
  parts[2] = take_last(text, '_');
  parts[1] = take_last(text, '_');
  parts[0] = text;
  return std::none_of(std::begin(parts), std::end(parts), [](std::string_view part) { return part.empty(); });
}

// "web" of {"Name":"/web"} in the configuration of a container.
std::string docker_name(const std::string& folder) {
  std::ifstream file(folder + "/config.v2.json", std::ios::binary);
  std::string text(kConfigBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto parsed = JsonDocument::parse(text);
  if (!parsed.is_ok()) return {};
  std::string_view name = parsed->root()["Name"].text();
  if (name.starts_with('/')) name.remove_prefix(1);
  return std::string(name);
}

}  // namespace

std::string_view workload_of(std::string_view pod) {
  std::string_view rest = pod;
  const std::string_view last = take_last(rest, '-');
  if (all_of(last, kDigits) && !rest.empty()) return rest;
  if (last.size() != kGeneratedSize || !all_of(last, kGenerated)) return pod;
  std::string_view owner = rest;
  const std::string_view hash = take_last(owner, '-');
  const bool replica_set = hash.size() >= kHashMin && hash.size() <= kHashMax && all_of(hash, kGenerated);
  const bool cron_job = hash.size() >= kHashMin && all_of(hash, kDigits);
  return !owner.empty() && (replica_set || cron_job) ? owner : rest;
}

std::string ContainerName::source() const {
  if (space.empty()) return container;
  return space + '/' + std::string(workload_of(pod)) + '/' + container;
}

ContainerName container_of(std::string_view path) {
  std::string_view folder = path;
  std::string_view file = take_last(folder, '/');
  std::string_view parts[3];
  if (const std::string_view id = folder.substr(folder.rfind('/') + 1); is_id(id) && file.starts_with(id)) {
    std::string name = docker_name(std::string(folder));
    return {"", "", name.empty() ? std::string(id.substr(0, kShortId)) : std::move(name)};
  }
  if (file.ends_with(".log") && split_in_three(file.substr(0, file.size() - 4), parts)) {
    std::string_view container = parts[2];
    if (is_id(take_last(container, '-'))) return {std::string(parts[1]), std::string(parts[0]), std::string(container)};
  }
  std::string_view pod_folder = folder;
  const std::string_view container = take_last(pod_folder, '/');
  if (split_in_three(pod_folder.substr(pod_folder.rfind('/') + 1), parts))
    return {std::string(parts[0]), std::string(parts[1]), std::string(container)};
  return {};
}

}  // namespace silt::connectors
