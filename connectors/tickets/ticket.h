// Ticket: a document that grows, as every tracker tells it: what it is now, and the events that made it so.
//
// Text is what people wrote, mark-up taken away. Names and texts are bytes from outside; they are
// shown and searched, never followed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace silt::connectors {

// What a ticket is at a moment. Empty: not told.
struct TicketFields {
  std::string subject, queue, state, owner, priority, reporter;
};

// The one that a FieldChange names; nullptr: it is none of them.
std::string* field_of(TicketFields& fields, std::string_view name);

struct FieldChange {
  std::string field;  // as TicketFields calls it, where it is one of them: the common part then knows what was before
  std::string from, to;
};

// One thing that happened. Trackers that let people edit tell it as it is now.
struct TicketEvent {
  std::string id;  // within the ticket; the same at each look
  std::int64_t at_us = 0;
  std::string kind;  // created, comment, change; empty: nothing to tell, but known
  std::string author;
  std::string text;
  std::vector<FieldChange> changes;
  std::vector<std::string> attachments;  // names
  std::vector<std::string> links;        // "relates to #7"
  std::string wording;                   // what tells an edit, when not the text does: names in it are looked up
  bool known = false;                    // was seen and cannot change: not told again, only its id is
};

struct Ticket {
  std::string id;     // for the tracker
  std::string place;  // for people, without the input: "#42", "OPS-12"
  TicketFields now;
  bool open = true;
  std::vector<TicketEvent> events;  // in order; the first one is the creation
};

// "2026-11-21T18:54:31Z"; with another separator and end where an API wants them.
std::string ticket_time(std::int64_t us, char separator = 'T', std::string_view end = "Z");

// The first event of a ticket. `at` as parse_timestamp reads it; 0 where it does not.
TicketEvent created_event(std::string_view at, std::string author, std::string text);

}  // namespace silt::connectors
