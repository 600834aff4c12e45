// The logging facade: one line per event, `event key=value ...`, with a level.
//
// The default sink writes to standard error with systemd's <priority> prefix; the daemon installs
// its own (daemon/telemetry). Safe from any thread. A record's text is never logged above debug,
// and values are escaped, because log text is hostile.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace silt::log {

enum class Level { kDebug, kInfo, kWarning, kError };

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
};

using Fields = std::initializer_list<Field>;
using Sink = std::function<void(Level, std::string_view line)>;

void set_sink(Sink sink);        // call once, before other threads start
void set_level(Level minimum);   // default kInfo; any time

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) { write(Level::kDebug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::kInfo, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) { write(Level::kWarning, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::kError, event, fields); }

}  // namespace silt::log
