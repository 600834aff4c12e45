#include "daemon/make_outbox.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "connectors/http/credential.h"
#include "daemon/config_checks.h"
#include "daemon/zone.h"

namespace silt::daemon {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

outbox::DestinationOptions options_of(const AlertConfig& section) {
  outbox::DestinationOptions options;
  options.name = section.name;
  options.tenant = section.tenant;
  options.shape = section.type == "mail" ? outbox::Shape::kMail : section.type == "chat" ? outbox::Shape::kChat : outbox::Shape::kWebhook;
  options.url = section.url;
  options.to = section.to;
  options.from = section.from.empty() ? "silt@" + host_name() : section.from;
  options.credential = section.credential;
  options.ca_file = section.ca_file;
  options.proxy = section.proxy;
  options.alerts = section.incidents;
  options.score_min = section.score_min;
  options.alerts_per_day = section.incidents_per_day;
  options.gather_us = std::int64_t{section.gather_ms} * 1000;
  options.digest_minute = minute_of_day(section.digest);
  return options;
}

}  // namespace

Status check_alerts(const Config& config) {
  for (const AlertConfig& section : config.alerts) {
    const std::string where = section.line.place + ": alert";
    if (const Status made = outbox::make_destination(options_of(section)).status(); !made.is_ok())
      return invalid_argument(where + "." + made.message());
    if (section.credential.find('/') == std::string::npos) continue;  // systemd has it ready when siltd runs
    if (const Status read = connectors::read_credential(section.credential).status(); !read.is_ok())
      return invalid_argument(where + ".credential: " + read.message());
  }
  return Status::ok();
}

Result<std::unique_ptr<outbox::Outbox>> make_outbox(const Config& config, outbox::Outbox::Parts parts) {
  auto out = std::make_unique<outbox::Outbox>(std::move(parts));
  for (const AlertConfig& section : config.alerts) {
    outbox::DestinationOptions options = options_of(section);
    auto destination = outbox::make_destination(options);
    if (!destination.is_ok()) return invalid_argument(section.line.place + ": alert." + destination.status().message());
    out->add(std::move(options), std::move(destination).value());
  }
  return out;
}

outbox::Renderer make_renderer(const Config& config, const watch::DigestStores& stores) {
  return {stores, host_name(), zone_of(config.learn.time_zone)};
}

}  // namespace silt::daemon
