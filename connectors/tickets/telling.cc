#include "connectors/tickets/telling.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/digest.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kDeliveryBytes = 128 * 1024;  // of texts, or one record
constexpr std::size_t kShortValue = 200;            // of a field, in the text of a change

// What the ticket was right after each event: from what it is now, backwards.
std::vector<TicketFields> fields_by_event(const Ticket& ticket) {
  std::vector<TicketFields> out(ticket.events.size());
  TicketFields fields = ticket.now;
  for (std::size_t i = ticket.events.size(); i-- > 0;) {
    out[i] = fields;
    for (const FieldChange& change : ticket.events[i].changes) {
      if (std::string* const field = field_of(fields, change.field)) *field = change.from;
    }
  }
  return out;
}

std::string shown(const std::string& value) {
  if (value.empty()) return "(none)";
  return value.size() <= kShortValue ? value : value.substr(0, kShortValue) + "...";
}

void add_line(std::string& text, const std::string& line) {
  if (!text.empty()) text += '\n';
  text += line;
}

std::string text_of(const TicketEvent& event, const TicketFields& fields) {
  std::string text = event.kind == "created" ? fields.subject : std::string();
  if (!event.text.empty()) add_line(text, event.text);
  for (const FieldChange& change : event.changes)
    add_line(text, change.field + " changed from " + shown(change.from) + " to " + shown(change.to));
  for (const std::string& link : event.links) add_line(text, "link: " + link);
  for (const std::string& name : event.attachments) add_line(text, "attachment: " + name);
  return text;
}

class Teller {
 public:
  Teller(const TellingOptions& options, TicketRow& row) : options_(options), row_(row) {}

  struct Item {
    const ToldEvent& told;
    std::string text;
    std::int64_t at_us;
    std::string kind, author, version;
    const TicketFields& fields;
    bool open;
  };

  // Before the row learns of the next item: a full delivery is closed with the row as it is.
  void make_room() {
    if (!out_.empty() && out_.back().records.size() < options_.records_max && bytes_ < kDeliveryBytes) return;
    close();
    out_.emplace_back();
    bytes_ = 0;
  }

  void add(const Item& item) {
    Delivery& delivery = out_.back();
    Record record;
    record.text = delivery.arena.copy(item.text);
    record.origin.place = delivery.arena.copy(options_.place + ":" + row_.place + "/" + std::to_string(item.told.number));
    record.origin.generation = item.told.version;
    record.told_us = item.at_us;
    const std::array<Attribute, 11> all = {{{"ticket", row_.place},
                                            {"kind", item.kind},
                                            {"author", item.author},
                                            {"subject", item.fields.subject},
                                            {"queue", item.fields.queue},
                                            {"state", item.fields.state},
                                            {"open", item.open ? "yes" : "no"},
                                            {"owner", item.fields.owner},
                                            {"priority", item.fields.priority},
                                            {"reporter", item.fields.reporter},
                                            {kItemVersion, item.version}}};
    std::vector<Attribute> kept;
    for (const Attribute& each : all) {
      if (!each.value.empty()) kept.push_back(each);
    }
    attach(kept, record, delivery.arena);
    delivery.records.push_back(record);
    bytes_ += item.text.size();
  }

  // The row as it is now goes with what was added last.
  void close() {
    if (!out_.empty()) out_.back().rows = {encode_told(row_)};
  }
  std::vector<Delivery> take() {
    if (!out_.empty() && out_.back().records.empty()) out_.pop_back();
    return std::move(out_);
  }

 private:
  const TellingOptions& options_;
  TicketRow& row_;
  std::vector<Delivery> out_;
  std::size_t bytes_ = 0;
};

bool is_open(const TellingOptions& options, const Ticket& ticket, const TicketFields& fields) {
  return fields.state == ticket.now.state ? ticket.open : options.is_open(fields.state);
}

}  // namespace

std::vector<Delivery> tell(const Ticket& ticket, const std::string& version, const TellingOptions& options, TicketRow& row) {
  const std::string row_before = encode_told(row).value;
  row.version.clear();
  Teller teller(options, row);
  const std::vector<TicketFields> fields = fields_by_event(ticket);
  std::set<std::string_view> there;
  for (std::size_t i = 0; i < ticket.events.size(); ++i) {
    const TicketEvent& event = ticket.events[i];
    there.insert(event.id);
    ToldEvent* told = row.find(event.id);
    if (event.known && told != nullptr) continue;
    const std::string text = text_of(event, fields[i]);
    const std::uint64_t hash = digest_of(event.wording.empty() ? text : event.wording).low;
    if (told != nullptr && (told->hash == hash || event.kind.empty())) continue;
    teller.make_room();
    if (told == nullptr) {
      row.events.push_back({event.id, hash, event.kind.empty() ? 0 : ++row.numbers, 1});
      told = &row.events.back();
      if (event.kind.empty()) continue;
    } else {
      told->hash = hash;
      ++told->version;
    }
    row.changed_us = std::max(row.changed_us, event.at_us);
    teller.add({*told, text, event.at_us, event.kind, event.author, std::to_string(told->version), fields[i],
                is_open(options, ticket, fields[i])});
  }
  for (std::size_t i = 0; i < row.events.size();) {
    const ToldEvent event = row.events[i];
    if (there.contains(event.id)) {
      ++i;
      continue;
    }
    teller.make_room();
    row.events.erase(row.events.begin() + static_cast<std::ptrdiff_t>(i));
    if (event.number == 0) continue;
    teller.add({event, "deleted", row.changed_us, "deleted", "", "deleted", ticket.now, ticket.open});
  }
  row.version = version;
  std::vector<Delivery> out = teller.take();
  CursorRow after = encode_told(row);
  if (out.empty() && after.value == row_before) return out;
  if (out.empty()) out.emplace_back();
  out.back().rows = {std::move(after)};
  return out;
}

std::vector<Delivery> tell_deleted(const TellingOptions& options, std::int64_t at_us, const TicketRow& row) {
  TicketRow left = row;
  Teller teller(options, left);
  const TicketFields none;
  while (!left.events.empty()) {
    teller.make_room();
    const ToldEvent event = left.events.back();
    left.events.pop_back();
    if (event.number != 0) teller.add({event, "deleted", at_us, "deleted", "", "deleted", none, false});
  }
  std::vector<Delivery> out = teller.take();
  if (out.empty()) out.emplace_back();
  out.back().rows = {deleted_row(row.id)};
  return out;
}

}  // namespace silt::connectors
