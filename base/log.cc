#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace silt::log {
namespace {

std::atomic<Level> g_minimum{Level::kInfo};

int syslog_priority(Level level) {
  switch (level) {
    case Level::kDebug: return 7;
    case Level::kInfo: return 6;
    case Level::kWarning: return 4;
    case Level::kError: return 3;
  }
  return 6;
}

void write_stderr(Level level, std::string_view line) {
  std::fprintf(stderr, "<%d>%.*s\n", syslog_priority(level), static_cast<int>(line.size()), line.data());
}

Sink& sink() {
  static Sink current = write_stderr;
  return current;
}

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

void append_value(std::string& line, std::string_view value) {
  if (is_plain(value)) {
    line += value;
    return;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      line += "\\x";
      line += kDigits[byte >> 4];
      line += kDigits[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

}  // namespace

void set_sink(Sink new_sink) { sink() = std::move(new_sink); }
void set_level(Level minimum) { g_minimum = minimum; }

void write(Level level, std::string_view event, Fields fields) {
  if (level < g_minimum.load(std::memory_order_relaxed)) return;
  std::string line(event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  sink()(level, line);
}

}  // namespace silt::log
