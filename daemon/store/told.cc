#include "daemon/store/told.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/escape.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/sha256.h"

namespace silt::store {
namespace {

constexpr char kHash[] = "sha256 ";

Status write_synced(const std::string& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return errno_status("open " + path, errno);
  bool done = true;
  while (done && !bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    done = written > 0;
    if (done) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  done = done && ::fdatasync(file) == 0;
  const int error = errno;
  ::close(file);
  return done ? Status::ok() : errno_status("write " + path, error);
}

}  // namespace

std::string told_path(const std::string& store_path) {
  return (std::filesystem::path(store_path) / "TOLD").string();
}

std::vector<Told> told_of(const RocksStore& store) {
  std::vector<Told> out;
  for (const SourceInfo& info : store.sources()) {
    const auto intake = store.intake_head(info.ref);
    const auto net = store.net_head(info.ref);
    if (!intake.is_ok() || !net.is_ok()) continue;  // deleted since
    const NetHead head = net->value_or(NetHead());
    out.push_back({escape_bytes(info.tenant), escape_bytes(info.name), intake->journal_seq, head.learned_seq, head.state_version});
  }
  return out;
}

Status write_told(const std::string& path, const std::vector<Told>& told) {
  std::ostringstream out;
  for (const Told& each : told) {
    out << each.journal_seq << '\t' << each.learned_seq << '\t' << each.state_version << '\t' << each.tenant << '\t' << each.source << '\n';
  }
  const std::string text = out.str();
  SILT_TRY(write_synced(path + ".new", text + kHash + hex_of(sha256(text)) + "\n"));
  return std::rename((path + ".new").c_str(), path.c_str()) == 0 ? Status::ok() : errno_status("rename to " + path, errno);
}

Result<std::vector<Told>> read_told(const std::string& path) {
  std::vector<Told> out;
  std::ifstream in(path, std::ios::binary);
  if (!in) return out;
  std::ostringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  const std::size_t last = text.rfind(kHash);
  const bool whole = last != std::string::npos && text.substr(last) == kHash + hex_of(sha256(std::string_view(text).substr(0, last))) + "\n";
  if (!whole) return data_loss(path + ": is damaged");
  std::istringstream lines(text.substr(0, last));
  for (std::string line; std::getline(lines, line);) {
    Told told;
    std::istringstream words(line);
    words >> told.journal_seq >> told.learned_seq >> told.state_version;
    words.ignore(1);
    std::getline(words, told.tenant, '\t');
    std::getline(words, told.source);
    out.push_back(std::move(told));
  }
  return out;
}

std::vector<std::string> unknown_of_told(const std::vector<Told>& told, const std::vector<Told>& now) {
  std::map<std::pair<std::string, std::string>, Seq> known;
  for (const Told& each : now) known[{each.tenant, each.source}] = each.journal_seq;
  std::vector<std::string> out;
  for (const Told& each : told) {
    const Seq here = known[{each.tenant, each.source}];
    if (here >= each.journal_seq) continue;
    out.push_back(each.tenant + ": " + each.source + ": " + std::to_string(each.journal_seq) + " records were told of, and " +
                  std::to_string(here) + " are known");
  }
  return out;
}

}  // namespace silt::store
