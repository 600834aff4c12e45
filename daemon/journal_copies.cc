#include "daemon/journal_copies.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "connectors/journald/systemd_journal.h"

namespace silt::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kNetworkInputs = {"imudp", "imtcp", "imptcp", "imrelp", "imgssapi"};
constexpr std::string_view kBlank = " \t";

std::string without_comment(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(kBlank);
  return begin == std::string_view::npos || line[begin] == '#' ? std::string() : std::string(line.substr(begin));
}

// "/var/log/auth.log" of `auth,authpriv.*  -/var/log/auth.log`; empty: the line is none of these.
std::string file_of_selector(const std::string& line) {
  const std::size_t selector_end = line.find_first_of(kBlank);
  if (selector_end == std::string::npos || line.find('.') > selector_end) return {};
  std::size_t at = line.find_first_not_of(kBlank, selector_end);
  if (at != std::string::npos && line[at] == '-') ++at;
  if (at == std::string::npos || at >= line.size() || line[at] != '/') return {};
  return line.substr(at, line.find_first_of(" \t;", at) - at);
}

// "/x" of `action(type="omfile" file="/x")`, whose words may be in capitals; names from templates are not known.
std::string file_of_action(const std::string& line) {
  std::string lower = line;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::string_view kKey = "file=\"";
  std::size_t at = lower.find(kKey);
  if (lower.find("omfile") == std::string::npos || at == std::string::npos) return {};
  at += kKey.size();
  return line.substr(at, line.find('"', at) - at);
}

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str() + "\n";
}

}  // namespace

std::vector<std::string> files_of_rsyslog(std::string_view configuration) {
  std::vector<std::string> files;
  std::istringstream lines{std::string(configuration)};
  for (std::string raw; std::getline(lines, raw);) {
    const std::string line = without_comment(raw);
    const auto names = [&](std::string_view module) { return line.find(module) != std::string::npos; };
    if (std::any_of(kNetworkInputs.begin(), kNetworkInputs.end(), names)) return {};
    for (std::string file : {file_of_selector(line), file_of_action(line)}) {
      if (file.starts_with('/')) files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::vector<std::string> journal_copies(const std::string& folder) {
  if (!connectors::journal_files({}).any_readable) return {};
  std::string all = text_of(folder + "/rsyslog.conf");
  std::error_code failed;
  for (fs::directory_iterator each(folder + "/rsyslog.d", failed), end; !failed && each != end; each.increment(failed)) {
    if (each->path().extension() == ".conf") all += text_of(each->path());
  }
  return files_of_rsyslog(all);
}

}  // namespace silt::daemon
