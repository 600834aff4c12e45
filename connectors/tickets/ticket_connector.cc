#include "connectors/tickets/ticket_connector.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace silt::connectors {
namespace {

constexpr std::string_view kMarkRow = "mark";
constexpr std::string_view kScopeRow = "scope";
constexpr std::size_t kForeignMax = 100'000;

// What only another try, later, may mend: of the tracker as a whole, not of one ticket.
bool is_of_tracker(const Status& status) {
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
    case Code::kFailedPrecondition:
    case Code::kCancelled: return true;
    default: return false;
  }
}

}  // namespace

TicketConnector::TicketConnector(TicketConnectorOptions options, std::unique_ptr<TicketSource> source, const Clock& clock)
    : options_(std::move(options)),
      source_(std::move(source)),
      clock_(clock),
      telling_{options_.place, [this](const std::string& state) { return source_->is_open(state); }},
      inbox_(options_.inbox) {}

TicketConnector::~TicketConnector() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  source_->cancel();
  inbox_.stop();
  if (thread_.joinable()) thread_.join();
}

Status TicketConnector::resume(std::span<const CursorRow> rows) {
  if (thread_.joinable()) return failed_precondition("resume() comes once");
  std::vector<CursorRow> of_inbox;
  for (const CursorRow& row : rows) {
    if (row.key.starts_with(kTicketRowPrefix)) {
      SILT_ASSIGN(TicketRow decoded, decode_told(row));
      rows_[decoded.id] = std::move(decoded);
    } else if (row.key == kMarkRow) {
      const char* const end = row.value.data() + row.value.size();
      if (std::from_chars(row.value.data(), end, mark_).ptr != end)
        return data_loss("the row of the mark is damaged: restore the journal or delete the row");
    } else if (row.key == kScopeRow) {
      scope_ = row.value;
    } else {
      of_inbox.push_back(row);
    }
  }
  SILT_TRY(inbox_.resume(of_inbox));
  tickets_ = rows_.size();
  thread_ = std::thread([this] { run(); });
  return Status::ok();
}

ConnectorStats TicketConnector::stats() const {
  ConnectorStats stats = inbox_.stats();
  const std::lock_guard lock(mutex_);
  stats.files_known = tickets_;
  stats.read_errors = errors_;
  stats.last_error = last_error_;
  if (caught_up_us_ != 0) stats.lag_ms = (clock_.monotonic_us() - caught_up_us_) / 1000;
  return stats;
}

void TicketConnector::notify_when_ready(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  inbox_.notify_when_ready([this] { this->wake(); });
}

void TicketConnector::wake() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    wake = std::exchange(wake_, nullptr);
  }
  if (wake) wake();
}

void TicketConnector::note_error() {
  const std::lock_guard lock(mutex_);
  ++errors_;
}

bool TicketConnector::ending() const {
  const std::lock_guard lock(mutex_);
  return ending_;
}

bool TicketConnector::wait_ms(std::int64_t ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return ending_; });
  return !ending_;
}

std::int64_t TicketConnector::pause_after(const Status& status) {
  if (status.is_ok()) {
    retry_ms_ = 0;
    return options_.poll_ms;
  }
  retry_ms_ = std::clamp(2 * retry_ms_, options_.retry_first_ms, options_.retry_last_ms);
  const auto part = static_cast<std::int64_t>(jitter_() % 1000);
  return std::max(source_->pause_ms(), retry_ms_) + retry_ms_ * part / 2000;  // up to half as long again
}

void TicketConnector::run() {
  swept_all_us_ = census_all_us_ = clock_.monotonic_us();
  while (!ending()) {
    const Status done = round();
    {
      const std::lock_guard lock(mutex_);
      tickets_ = rows_.size();
      last_error_ = done.message();
      errors_ += done.is_ok() ? 0 : 1;
      if (done.is_ok()) caught_up_us_ = clock_.monotonic_us();
    }
    wake();
    if (!wait_ms(pause_after(done))) return;
  }
}

Status TicketConnector::round() {
  if (!checked_) SILT_TRY(source_->check());
  checked_ = true;
  SILT_TRY(take_scope());
  const Status caught_up = catch_up();
  // A key that was taken away may look like an empty list: ask who we are before the next one.
  if (!caught_up.is_ok()) checked_ = false;
  SILT_TRY(caught_up);
  return sweep();
}

Status TicketConnector::take_scope() {
  if (scope_ == options_.scope) return Status::ok();
  std::vector<Delivery> deliveries(1);
  deliveries[0].rows = {{std::string(kScopeRow), options_.scope, false}};
  if (scope_.has_value()) {
    mark_ = 0;
    deliveries[0].rows.push_back({std::string(kMarkRow), "0", false});
    census_all_us_ = clock_.monotonic_us() - options_.sweep_ms * 1000;
  }
  scope_ = options_.scope;
  return offer(std::move(deliveries));
}

Status TicketConnector::catch_up() {
  Mark since = std::max<Mark>(0, mark_ - source_->overlap());
  std::string next;
  while (!ending()) {
    SILT_ASSIGN(const Listing listing, source_->list(since, next));
    SILT_TRY(read_page(listing));
    SILT_TRY(move_mark(std::min(listing.until, listing.settled)));
    if (!listing.more) return Status::ok();
    const Mark step = source_->precision();
    if (listing.until / step > since / step) {
      since = listing.until;
      next.clear();
    } else if (!listing.next.empty() && listing.next != next) {
      next = listing.next;
    } else {
      return data_loss("the list of changes does not go on: see the tracker's own log; it is tried again");
    }
  }
  return {Code::kCancelled, "stopped"};
}

Status TicketConnector::read_page(const Listing& listing) {
  for (const TicketRef& ref : listing.refs) {
    if (ending()) return {Code::kCancelled, "stopped"};
    const auto row = rows_.find(ref.id);
    const bool seen = row != rows_.end() && (!ref.event.empty()     ? row->second.find(ref.event) != nullptr
                                             : !ref.version.empty() && row->second.version == ref.version);
    const auto aside = aside_.find(ref.id);
    const std::string change = ref.version + ref.event;
    const std::string foreign = ref.id + ' ' + change;
    if (seen || (aside != aside_.end() && aside->second == change) || foreign_.contains(foreign)) continue;
    SILT_TRY(read_ticket(ref.id, ref.event.empty() ? ref.version : "read"));
    if (unread_.contains(ref.id)) aside_[ref.id] = change;
    if (change.empty() || rows_.contains(ref.id)) continue;
    if (foreign_.size() >= kForeignMax) foreign_.clear();
    foreign_.insert(foreign);
  }
  return Status::ok();
}

Status TicketConnector::read_ticket(const std::string& id, const std::string& version) {
  const auto known = rows_.find(id);
  const TicketSource::Told told = [&](const std::string& event) {
    return known != rows_.end() && known->second.find(event) != nullptr;
  };
  const auto read = source_->read(id, told);
  if (!read.is_ok() && (is_of_tracker(read.status()) || ++attempts_[id] < options_.attempts_max))
    return read.status().with_context("ticket " + id);
  attempts_.erase(id);
  TicketRow row = known == rows_.end() ? TicketRow() : known->second;
  row.id = id;
  if (!read.is_ok()) {  // left for the sweep, and known of: it has a row without a version
    note_error();
    unread_.insert(id);
    row.version.clear();
    rows_[id] = row;
    std::vector<Delivery> deliveries(1);
    deliveries[0].rows = {encode_told(row)};
    return offer(std::move(deliveries));
  }
  unread_.erase(id);
  aside_.erase(id);
  if (!*read) return forget(id);
  row.place = (*read)->place;
  std::vector<Delivery> deliveries = tell(**read, version, telling_, row);
  SILT_TRY(offer(std::move(deliveries)));
  rows_[id] = std::move(row);
  return Status::ok();
}

Status TicketConnector::forget(const std::string& id) {
  const auto known = rows_.find(id);
  if (known == rows_.end()) return Status::ok();
  SILT_TRY(offer(tell_deleted(telling_, clock_.wall_us(), known->second)));
  rows_.erase(known);
  return Status::ok();
}

Status TicketConnector::move_mark(Mark mark) {
  if (mark <= mark_) return Status::ok();
  mark_ = mark;
  std::vector<Delivery> deliveries(1);
  deliveries[0].rows = {{std::string(kMarkRow), std::to_string(mark), false}};
  return offer(std::move(deliveries));
}

// Reads the next tickets that changed lately, or could not be read.
Status TicketConnector::sweep() {
  SILT_TRY(sweep_missing());
  const std::int64_t now_us = clock_.monotonic_us();
  if (swept_.empty() && now_us - swept_all_us_ < options_.sweep_ms * 1000) return Status::ok();
  const std::int64_t recent_us = clock_.wall_us() - options_.recent_ms * 1000;
  std::vector<std::string> ids;
  auto at = rows_.upper_bound(swept_);
  for (; at != rows_.end() && ids.size() < options_.sweep_part; ++at) {
    if (at->second.version.empty() || at->second.changed_us >= recent_us) ids.push_back(at->first);
  }
  const bool all = at == rows_.end();
  for (const std::string& id : ids) {
    if (ending()) return {Code::kCancelled, "stopped"};
    const auto row = rows_.find(id);
    if (row == rows_.end()) continue;
    if (const Status done = read_ticket(id, row->second.version); !done.is_ok()) {
      if (is_of_tracker(done)) return done;
      note_error();
    }
    swept_ = id;
  }
  if (!all) return Status::ok();
  swept_.clear();
  swept_all_us_ = now_us;
  return Status::ok();
}

// Asks whether the next tickets exist, those that the sweep reads, too.
Status TicketConnector::sweep_missing() {
  const std::int64_t now_us = clock_.monotonic_us();
  if (census_.empty() && now_us - census_all_us_ < options_.sweep_ms * 1000) return Status::ok();
  std::vector<std::string> ids;
  auto at = rows_.upper_bound(census_);
  for (; at != rows_.end() && ids.size() < source_->existing_max(); ++at) ids.push_back(at->first);
  const bool all = at == rows_.end();
  if (!ids.empty()) {
    SILT_ASSIGN(std::vector<std::string> there, source_->existing(ids));
    std::sort(there.begin(), there.end());
    for (const std::string& id : ids) {
      if (!std::binary_search(there.begin(), there.end(), id)) SILT_TRY(read_ticket(id, ""));  // says so itself
    }
    census_ = ids.back();
  }
  if (!all) return Status::ok();
  census_.clear();
  census_all_us_ = now_us;
  return Status::ok();
}

// Waits for room; the tracker is not asked for more meanwhile.
Status TicketConnector::offer(std::vector<Delivery> deliveries) {
  for (Delivery& delivery : deliveries) {
    while (true) {
      const Inbox::Answer answer = inbox_.offer(std::move(delivery), [](const Status&) {});
      if (answer == Inbox::Answer::kTaken) break;
      if (answer == Inbox::Answer::kStopped || ending()) return {Code::kCancelled, "stopped"};
      if (answer == Inbox::Answer::kTooLarge) return resource_exhausted("a ticket's row is larger than the inbox takes");
      auto room = std::make_shared<bool>(false);
      inbox_.when_room([this, room] {
        const std::lock_guard lock(mutex_);
        *room = true;
        changed_.notify_all();
      });
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return *room || ending_; });
    }
  }
  return Status::ok();
}

}  // namespace silt::connectors
