#include "daemon/outbox/outbox.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/escape.h"
#include "base/log.h"

namespace silt::outbox {
namespace {

constexpr std::int64_t kDayUs = 86'400LL * 1'000'000, kHourUs = 3'600LL * 1'000'000;

}  // namespace

void Outbox::add(DestinationOptions options, std::unique_ptr<Destination> destination) {
  auto lane = std::make_unique<Lane>();
  lane->head.destination = options.name;
  lane->counts.set_name(escape_bytes(options.name));
  lane->counts.set_type(std::string(shape_name(options.shape)));
  lane->counts.set_tenant(escape_bytes(options.tenant));
  lane->options = std::move(options);
  lane->destination = std::move(destination);
  lanes_.push_back(std::move(lane));
}

Status Outbox::load() {
  SILT_ASSIGN(const std::vector<store::OutboxHead> heads, parts_.rows.outbox_heads());
  const auto has_name = [](const std::string& name) { return [&name](const auto& lane) { return lane->options.name == name; }; };
  store::OutboxWrite write;
  for (const store::OutboxHead& head : heads) {
    const auto lane = std::find_if(lanes_.begin(), lanes_.end(), has_name(head.destination));
    if (lane != lanes_.end()) {
      (*lane)->head = head;
      continue;
    }
    log::warning("alerts_dropped", {{"destination", head.destination}, {"why", "it is not configured any more"}});
    write.forget.push_back(head.destination);
  }
  write.forget_cursors = lanes_.empty();  // whoever asks for alerts again wants no news of all the time between
  for (const auto& lane : lanes_) {
    SILT_ASSIGN(const std::vector<store::OutboxRow> rows, parts_.rows.outbox(lane->options.name, 2 * kWaitingMax));
    lane->waiting = {rows.begin(), rows.end()};
    // Of a head that was damaged.
    if (!rows.empty()) lane->head.next_number = std::max(lane->head.next_number, rows.back().number + 1);
    if (std::none_of(heads.begin(), heads.end(), [&](const auto& head) { return head.destination == lane->options.name; }))
      write.heads.push_back(lane->head);
  }
  return write.forget.empty() && write.heads.empty() ? Status::ok() : parts_.rows.write_outbox(write);
}

void Outbox::start() {
  for (const auto& lane : lanes_) lane->thread = std::thread([this, &lane = *lane] { run(lane); });
}

void Outbox::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_up_.notify_all();
  for (const auto& lane : lanes_) lane->destination->cancel();
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

std::optional<store::WatchCursor> Outbox::cursor(store::SourceRef source) const {
  auto found = parts_.rows.watch_cursor(source);
  return found.is_ok() ? std::move(found).value() : std::nullopt;
}

void Outbox::keep(std::span<const watch::Incident> incidents, std::span<const store::WatchCursor> cursors) {
  const std::lock_guard lock(mutex_);
  store::OutboxWrite changes;
  changes.cursors = {cursors.begin(), cursors.end()};
  for (const watch::Incident& incident : incidents) {
    const Result<store::SourceInfo> info = parts_.log.source(incident.cause.source);
    if (!info.is_ok()) continue;  // deleted since
    for (const auto& lane : lanes_) {
      if (lane->options.alerts && lane->options.tenant == info->tenant) put_incident(*lane, incident, changes);
    }
  }
  write(changes);
  wake_up_.notify_all();
}

void Outbox::put_incident(Lane& lane, const watch::Incident& incident, store::OutboxWrite& changes) {
  const std::string id = parts_.board + "." + std::to_string(incident.number);
  if (incident.number <= lane.told) {
    // It has grown: what is not under way yet tells so.
    const auto first = lane.waiting.begin() + (lane.sending ? 1 : 0);
    const auto row = std::find_if(first, lane.waiting.end(), [&id](const auto& each) { return each.id == id; });
    if (row == lane.waiting.end()) return;
    store::OutboxRow grown = row_of(incident, id);
    grown.destination = row->destination;
    grown.number = row->number;
    grown.created_us = row->created_us;
    grown.due_us = row->due_us;
    grown.left_out = row->left_out;
    *row = std::move(grown);
    changes.put.push_back(*row);
    return;
  }
  if (incident.score < lane.options.score_min) return;
  lane.told = incident.number;
  const std::int64_t now_us = parts_.clock.wall_us();
  if (const std::int64_t day = now_us / kDayUs; day != lane.head.day) {
    lane.head.day = day;
    lane.head.alerts_of_day = 0;
  }
  const bool too_many = lane.head.alerts_of_day >= lane.options.alerts_per_day;
  if (too_many || lane.waiting.size() >= kWaitingMax) {
    ++lane.head.left_out;
    lane.counts.set_left_out(lane.counts.left_out() + 1);
    changes.heads.push_back(lane.head);
    return;
  }
  ++lane.head.alerts_of_day;
  store::OutboxRow row = row_of(incident, id);
  row.created_us = now_us;
  row.due_us = now_us + lane.options.gather_us;
  put(lane, std::move(row), changes);
}

void Outbox::put(Lane& lane, store::OutboxRow row, store::OutboxWrite& changes) {
  row.destination = lane.options.name;
  row.number = lane.head.next_number++;
  row.left_out = std::exchange(lane.head.left_out, 0);
  changes.put.push_back(row);
  changes.heads.push_back(lane.head);
  lane.waiting.push_back(std::move(row));
  lane.has_news = true;
}

void Outbox::write(const store::OutboxWrite& changes) {
  if (const Status written = parts_.rows.write_outbox(changes); !written.is_ok()) parts_.on_fatal(written);
}

void Outbox::plan_digest(Lane& lane) {
  if (lane.options.digest_minute < 0) return;
  const std::int64_t now_us = parts_.clock.wall_us();
  const std::int64_t time_us = parts_.renderer.last_time_of_day(now_us, lane.options.digest_minute);
  if (lane.head.digest_us >= time_us) return;
  const std::int64_t last_us = std::exchange(lane.head.digest_us, time_us);
  store::OutboxWrite changes;
  if (last_us == 0) {  // the first is of tomorrow
    changes.heads.push_back(lane.head);
  } else {
    store::OutboxRow row;
    row.id = "digest." + std::to_string(time_us / 1'000'000);
    row.created_us = row.due_us = now_us;
    row.digest_since_us = std::max(last_us, time_us - kDigestMaxUs);
    row.digest_until_us = time_us;
    put(lane, std::move(row), changes);
  }
  write(changes);
}

std::int64_t Outbox::wait_us(std::uint64_t failures, double draw) {
  const double doubled = static_cast<double>(kFirstWaitUs) * std::exp2(static_cast<double>(std::min<std::uint64_t>(failures, 20)) - 1);
  return static_cast<std::int64_t>(std::min(doubled, static_cast<double>(kLongestWaitUs)) * (0.5 + draw));
}

std::int64_t Outbox::until_next(const Lane& lane) const {
  if (lane.options.digest_minute < 0) return kHourUs;
  const std::int64_t now_us = parts_.clock.wall_us();
  const std::int64_t since_us = now_us - parts_.renderer.last_time_of_day(now_us, lane.options.digest_minute);
  return std::clamp<std::int64_t>(kDayUs - since_us, 1, kHourUs);  // clocks jump, and days have 23 to 25 hours
}

std::pair<Status, std::int64_t> Outbox::step(Lane& lane, double draw) {
  store::OutboxRow row;
  {
    const std::lock_guard lock(mutex_);
    lane.has_news = false;
    plan_digest(lane);
    if (lane.waiting.empty()) return {not_found("nothing to send"), until_next(lane)};
    row = lane.waiting.front();
    const std::int64_t wait_us = std::max(lane.again_us - parts_.clock.monotonic_us(), row.due_us - parts_.clock.wall_us());
    if (wait_us > 0) return {not_found("nothing to send yet"), std::min(wait_us, kHourUs)};
    lane.sending = true;
  }
  std::int64_t retry_after_us = 0;
  const Status sent = attempt(lane, row, retry_after_us);
  const std::lock_guard lock(mutex_);
  lane.sending = false;
  if (sent.code() == Code::kCancelled) return {sent, kHourUs};
  if (sent.is_ok() || sent.code() == Code::kInvalidArgument) {
    store::OutboxWrite changes;
    changes.remove.push_back(row);
    write(changes);
    lane.waiting.pop_front();
    lane.failed_in_row = 0;
    lane.again_us = 0;
  } else {
    const std::int64_t wait_us = std::max(Outbox::wait_us(++lane.failed_in_row, draw), retry_after_us);
    lane.again_us = parts_.clock.monotonic_us() + wait_us;
    lane.counts.set_failures(lane.counts.failures() + 1);
    log::warning("alert_not_sent", {{"destination", lane.options.name}, {"error", sent.message()}, {"again_in_s", wait_us / 1'000'000}});
  }
  lane.counts.set_last_error(sent.is_ok() ? "" : escape_bytes(sent.message()));
  return {sent, 0};
}

// kInvalidArgument: it is never sent.
Status Outbox::attempt(Lane& lane, const store::OutboxRow& row, std::int64_t& retry_after_us) {
  const auto count = [this](auto set, auto get, silt::v1::AlertStatus& counts) {
    const std::lock_guard lock(mutex_);
    (counts.*set)((counts.*get)() + 1);
  };
  const Result<std::optional<Message>> message = parts_.renderer.render(row, lane.options.tenant, stopping_);
  if (!message.is_ok() && stopping_) return {Code::kCancelled, "stopped"};
  if (message.is_ok() && !message->has_value()) {
    log::warning("alert_dropped", {{"destination", lane.options.name}, {"why", "what it tells of was deleted"}});
    return Status::ok();
  }
  Sent sent;
  if (message.is_ok()) {
    sent = lane.destination->send(**message);
  } else {  // it would be the same again, and nothing behind it were sent
    sent.status = invalid_argument("a message could not be made, and is left out: " + message.status().message());
  }
  retry_after_us = sent.retry_after_us;
  if (sent.status.is_ok()) count(&silt::v1::AlertStatus::set_sent, &silt::v1::AlertStatus::sent, lane.counts);
  if (sent.status.code() == Code::kInvalidArgument) {
    count(&silt::v1::AlertStatus::set_refused, &silt::v1::AlertStatus::refused, lane.counts);
    log::error("alert_refused", {{"destination", lane.options.name}, {"error", sent.status.message()}});
  }
  return sent.status;
}

void Outbox::run(Lane& lane) {
  std::mt19937_64 random(std::random_device{}());
  std::uniform_real_distribution<double> draw;
  while (!stopping_) {
    const std::int64_t wait_us = step(lane, draw(random)).second;
    if (wait_us == 0) continue;
    std::unique_lock lock(mutex_);
    wake_up_.wait_for(lock, std::chrono::microseconds(wait_us), [&] { return stopping_ || lane.has_news; });
  }
}

Status Outbox::step(const std::string& name) {
  constexpr double kMiddle = 0.5;
  for (const auto& lane : lanes_) {
    if (lane->options.name == name) return step(*lane, kMiddle).first;
  }
  return not_found("there is no destination " + name);
}

std::vector<silt::v1::AlertStatus> Outbox::status(const std::function<bool(const std::string& tenant)>& sees) const {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_us = parts_.clock.wall_us();
  std::vector<silt::v1::AlertStatus> out;
  for (const auto& lane : lanes_) {
    if (!sees(lane->options.tenant)) continue;
    silt::v1::AlertStatus& status = out.emplace_back(lane->counts);
    status.set_waiting(lane->waiting.size());
    if (!lane->waiting.empty()) status.set_lag_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us - lane->waiting.front().due_us) / 1000));
  }
  return out;
}

}  // namespace silt::outbox
