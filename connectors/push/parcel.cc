#include "connectors/push/parcel.h"

#include <algorithm>
#include <utility>

namespace silt::connectors {
namespace {

constexpr std::size_t kDeliveryRecordsMax = 512;
constexpr std::size_t kDeliveryBytesMax = 256 * 1024;  // far below what an inbox takes at once

}  // namespace

struct Parcel::Tally {
  std::size_t left = 0;
  bool all_stored = true;
  Stored stored;
};

Delivery& Parcel::delivery(std::string_view stream) {
  const auto fits = [&](const Delivery& each) {
    return each.stream == stream && each.records.size() < kDeliveryRecordsMax && each.arena.allocated_bytes() < kDeliveryBytesMax;
  };
  const auto found = std::find_if(deliveries_.rbegin(), deliveries_.rend(), fits);
  if (found != deliveries_.rend()) return *found;
  deliveries_.emplace_back().stream = stream;
  return deliveries_.back();
}

void Parcel::identify(const std::string& id) {
  for (std::size_t i = 0; i < deliveries_.size(); ++i) deliveries_[i].id = id + "/" + std::to_string(i);
}

bool Parcel::offer(const Stored& stored) {
  if (!tally_) tally_ = std::make_shared<Tally>(Tally{deliveries_.size(), true, stored});
  std::size_t taken = 0;
  for (; taken < deliveries_.size(); ++taken) {
    const std::uint64_t bytes = cost_of(deliveries_[taken]);
    auto done = [&senders = senders_, &post = post_, sender = sender_, bytes, tally = tally_](const Status& status) {
      post([&senders, sender, bytes, tally, ok = status.is_ok()] {
        senders.release(*sender, bytes);
        tally->all_stored = tally->all_stored && ok;
        if (--tally->left == 0) tally->stored(tally->all_stored);
      });
    };
    const Inbox::Answer answer = inbox_.offer(std::move(deliveries_[taken]), std::move(done));
    if (answer == Inbox::Answer::kFull) break;
    if (answer == Inbox::Answer::kTaken) senders_.hold(*sender_, bytes);
    else tally_->left -= 1, tally_->all_stored = false;  // it is stopping
  }
  deliveries_.erase(deliveries_.begin(), deliveries_.begin() + static_cast<std::ptrdiff_t>(taken));
  if (!deliveries_.empty()) return false;
  if (tally_->left == 0) tally_->stored(tally_->all_stored);
  tally_.reset();
  return true;
}

}  // namespace silt::connectors
