#include "daemon/telemetry/log_sink.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>

#include "base/log.h"

namespace silt::daemon {
namespace {

spdlog::level::level_enum spdlog_level(log::Level level) {
  switch (level) {
    case log::Level::kDebug: return spdlog::level::debug;
    case log::Level::kInfo: return spdlog::level::info;
    case log::Level::kWarning: return spdlog::level::warn;
    case log::Level::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

log::Level parse_level(const std::string& level) {
  if (level == "debug") return log::Level::kDebug;
  if (level == "warning") return log::Level::kWarning;
  if (level == "error") return log::Level::kError;
  return log::Level::kInfo;
}

}  // namespace

void set_log_level(const std::string& level) {
  log::set_level(parse_level(level));
}

void install_log_sink(const std::string& level) {
  set_log_level(level);
  if (::isatty(STDERR_FILENO) == 0) return;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("siltd", std::move(sink));
  logger->set_level(spdlog::level::trace);
  logger->set_pattern("%H:%M:%S.%e %^%l%$ %v");
  log::set_sink([logger](log::Level at, std::string_view line) {
    logger->log(spdlog_level(at), spdlog::string_view_t(line.data(), line.size()));
  });
}

}  // namespace silt::daemon
