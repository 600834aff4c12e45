#include "daemon/intake/feeds.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "connectors/inbox.h"
#include "connectors/line_delivery.h"

namespace silt::intake {
namespace {

using connectors::Inbox;

constexpr auto kWantedEvery = std::chrono::milliseconds(100);

}  // namespace

// The inbox belongs to intake and to the calls that are waiting.
class Feeds::Input final : public connectors::Connector {
 public:
  Input(std::shared_ptr<State> state, std::string name, std::shared_ptr<Inbox> inbox)
      : state_(std::move(state)), name_(std::move(name)), inbox_(std::move(inbox)) {}
  ~Input() override {
    {
      const std::lock_guard lock(state_->mutex);
      const auto entry = state_->entries.find(name_);
      if (entry != state_->entries.end() && entry->second.inbox == inbox_) state_->entries.erase(entry);
    }
    inbox_->stop();
  }

  Status resume(std::span<const connectors::CursorRow> rows) override { return inbox_->resume(rows); }
  Result<bool> poll(const connectors::ReadLimits& limits, connectors::Batch& out) override { return inbox_->poll(limits, out); }
  void confirm() override { inbox_->confirm(); }
  void notify_when_ready(std::function<void()> wake) override { inbox_->notify_when_ready(std::move(wake)); }
  void notify_when_filling(std::function<void()> wake) override { inbox_->notify_when_filling(std::move(wake)); }
  connectors::ConnectorStats stats() const override { return inbox_->stats(); }

 private:
  const std::shared_ptr<State> state_;
  const std::string name_;
  const std::shared_ptr<Inbox> inbox_;
};

std::unique_ptr<connectors::Connector> Feeds::open(FeedOptions options) {
  auto inbox = std::make_shared<Inbox>(connectors::kLinesInbox);
  auto input = std::make_unique<Input>(state_, options.name, inbox);
  const std::lock_guard lock(state_->mutex);
  std::string name = options.name;
  state_->entries[std::move(name)] = {std::move(options), std::move(inbox)};
  return input;
}

Result<Feeds::Entry> Feeds::find(std::string_view tenant, std::string_view source) const {
  const std::string_view name = source.substr(0, source.find(':'));
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->entries.find(name);
  if (found != state_->entries.end() && found->second.options.tenant == tenant) return found->second;
  return not_found("no input " + std::string(name) + " of tenant " + std::string(tenant) +
                   " can be fed: add a [[source]] with this name and type = \"feed\", and reload siltd");
}

Result<Fed> Feeds::feed(std::string_view tenant, const FedLines& lines, const std::function<bool()>& wanted) {
  SILT_ASSIGN(const Entry entry, find(tenant, lines.source));
  Fed fed;
  connectors::Delivery delivery;
  delivery.id = lines.id;
  if (lines.source != entry.options.name) delivery.stream = lines.source;
  fed.bytes = connectors::deliver_lines(lines.text, entry.options.rules.get(), lines.all, {lines.place, lines.begin, lines.modified_us}, delivery);
  fed.records = delivery.records.size();
  fed.records_cut = static_cast<std::uint64_t>(std::count_if(delivery.records.begin(), delivery.records.end(), [&](const connectors::Record& record) {
    return record.bytes_cut > 0 || record.text.size() > entry.options.record_bytes_max;
  }));
  if (fed.records == 0) return fed;
  const auto done = std::make_shared<std::promise<Status>>();
  std::future<Status> durable = done->get_future();
  switch (entry.inbox->offer(std::move(delivery), [done](const Status& status) { done->set_value(status); })) {
    case Inbox::Answer::kTaken: break;
    case Inbox::Answer::kTooLarge: return invalid_argument("the text, or its id, is too large: send less at once");
    case Inbox::Answer::kFull: return unavailable("siltd has no room for more now; try again");
    case Inbox::Answer::kStopped: return unavailable("siltd reads its configuration again; try again");
  }
  while (durable.wait_for(kWantedEvery) != std::future_status::ready) {
    if (!wanted()) return Status(Code::kCancelled, "the caller left before the lines were durable; they may be stored");
  }
  SILT_TRY(durable.get());
  return fed;
}

}  // namespace silt::intake
