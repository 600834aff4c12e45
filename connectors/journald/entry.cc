#include "connectors/journald/entry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "connectors/syslog/message.h"

namespace silt::connectors {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view key) {
  std::string out(key);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// "err" of "3"; the text itself when it is no such number.
std::string_view name_of(std::string_view number, std::string_view (*name)(int), int unit, int most) {
  int value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  const bool is_number = read.ec == std::errc() && read.ptr == number.data() + number.size();
  return is_number && value >= 0 && value <= most ? name(value * unit) : number;
}

// What syslog had that other fields say better.
constexpr std::array<std::string_view, 3> kRepeated = {"SYSLOG_TIMESTAMP", "SYSLOG_RAW", "MESSAGE_RAW"};

}  // namespace

JournalEntry::Known JournalEntry::known(std::string_view key) {
  constexpr std::array<std::pair<std::string_view, Known>, kCount> kKeys = {{{"SYSLOG_IDENTIFIER", kApp},
                                                                             {"_PID", kPid},
                                                                             {"PRIORITY", kSeverity},
                                                                             {"_SYSTEMD_UNIT", kUnit},
                                                                             {"_HOSTNAME", kHost},
                                                                             {"SYSLOG_FACILITY", kFacility},
                                                                             {"_UID", kUser},
                                                                             {"_BOOT_ID", kBoot},
                                                                             {"_TRANSPORT", kTransport},
                                                                             {"_SYSTEMD_USER_UNIT", kUserUnit},
                                                                             {"UNIT", kSubject},
                                                                             {"_COMM", kCommand},
                                                                             {"SYSLOG_PID", kSyslogPid}}};
  const auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& each) { return each.first == key; });
  return found == kKeys.end() ? kCount : found->second;
}

void JournalEntry::clear() {
  arena_.clear();
  has_message_ = false;
  message_ = {};
  std::fill(std::begin(known_), std::end(known_), std::string_view());
  others_.clear();
}

// Of the fields that journald vouches for (those with a '_'), the ones that are not known above describe the process at
// length; they are left to journalctl.
void JournalEntry::add(std::string_view key, std::string_view value) {
  if (key == "MESSAGE") {
    has_message_ = true;
    message_ = arena_.copy(value);
  } else if (const Known which = known(key); which != kCount) {
    known_[which] = arena_.copy(value);
  } else if (!key.starts_with('_') && std::find(kRepeated.begin(), kRepeated.end(), key) == kRepeated.end()) {
    others_.push_back({arena_.copy(lower(key)), arena_.copy(value)});
  }
}

std::string JournalEntry::source() const {
  if (known_[kTransport] == "kernel") return "kernel";
  if (!known_[kUnit].empty()) return lasting_unit(known_[kUnit]);
  return std::string(known_[kApp].empty() ? known_[kCommand] : known_[kApp]);
}

const std::vector<Attribute>& JournalEntry::attributes() {
  attributes_.clear();
  const auto put = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) attributes_.push_back({key, value});
  };
  put("host", known_[kHost]);
  put("unit", known_[kUnit]);
  put("app", known_[kApp].empty() ? known_[kCommand] : known_[kApp]);
  put("pid", known_[kPid].empty() ? known_[kSyslogPid] : known_[kPid]);
  put("severity", name_of(known_[kSeverity], severity_name, 1, 7));
  put("facility", name_of(known_[kFacility], facility_name, 8, 23));
  put("uid", known_[kUser]);
  put("user_unit", known_[kUserUnit]);
  put("subject_unit", known_[kSubject]);
  put("transport", known_[kTransport]);
  put("boot", known_[kBoot]);
  attributes_.insert(attributes_.end(), others_.begin(), others_.end());
  return attributes_;
}

std::string lasting_unit(std::string_view unit) {
  const std::size_t dot = unit.rfind('.');
  if (dot == std::string_view::npos) return std::string(unit);
  const std::string_view suffix = unit.substr(dot);
  std::string_view stem = unit.substr(0, dot);
  if (suffix != ".scope" && !stem.starts_with("run-")) return std::string(unit);
  for (std::size_t dash = stem.rfind('-'); dash != std::string_view::npos; dash = stem.rfind('-')) {
    const std::string_view part = stem.substr(dash + 1);
    if (std::none_of(part.begin(), part.end(), is_digit)) break;
    stem = stem.substr(0, dash);
  }
  return std::string(stem) + std::string(suffix);
}

}  // namespace silt::connectors
