#include "connectors/tickets/told.h"

#include <algorithm>

#include "base/bytes.h"

namespace silt::connectors {
namespace {

constexpr std::uint8_t kRowVersion = 1;

}  // namespace

ToldEvent* TicketRow::find(std::string_view event) {
  // The newest are asked for most.
  const auto found = std::find_if(events.rbegin(), events.rend(), [&](const ToldEvent& each) { return each.id == event; });
  return found == events.rend() ? nullptr : &*found;
}

CursorRow encode_told(const TicketRow& row) {
  ByteWriter to;
  to.u8(kRowVersion);
  to.string(row.place);
  to.string(row.version);
  to.i64(row.changed_us);
  to.varint(row.numbers);
  to.varint(row.events.size());
  for (const ToldEvent& event : row.events) {
    to.string(event.id);
    to.u64(event.hash);
    to.varint(event.number);
    to.varint(event.version);
  }
  return {std::string(kTicketRowPrefix) + row.id, to.take(), false};
}

CursorRow deleted_row(const std::string& id) {
  return {std::string(kTicketRowPrefix) + id, {}, true};
}

Result<TicketRow> decode_told(const CursorRow& row) {
  TicketRow out;
  out.id = row.key.substr(kTicketRowPrefix.size());
  ByteReader from(row.value);
  if (const std::uint8_t version = from.u8(); version != kRowVersion) {
    return failed_precondition("the row of ticket " + out.id + " has version " + std::to_string(version) +
                               ", this siltd reads version 1: run the newer siltd that wrote it");
  }
  out.place = from.string();
  out.version = from.string();
  out.changed_us = from.i64();
  out.numbers = static_cast<std::uint32_t>(from.varint());
  for (std::uint64_t left = from.varint(); left > 0 && from.ok(); --left) {
    ToldEvent event;
    event.id = from.string();
    event.hash = from.u64();
    event.number = static_cast<std::uint32_t>(from.varint());
    event.version = static_cast<std::uint32_t>(from.varint());
    out.events.push_back(std::move(event));
  }
  if (from.ok() && from.remaining() == 0) return out;
  return data_loss("the row of ticket " + out.id + " is damaged: restore the journal or delete the row");
}

}  // namespace silt::connectors
