#include "daemon/answer/reply/item_reply.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/items.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/answer/search/records.h"

namespace silt::answer::reply {
namespace {

using plan::ItemAsk;
using plan::ItemQuestion;
using plan::ItemRole;
using plan::ItemTime;
using search::Item;
using search::Items;
using search::Entity;

constexpr float kFits = 0.6F;         // least share of the topic that a ticket must have
constexpr float kWhole = 0.999F;      // of a ticket that has all of it
constexpr float kSectionFits = 0.45F;
constexpr std::size_t kSectionShown = 3000, kEventShown = 300, kListShown = 120, kNameShown = 200;
constexpr std::size_t kListed = 10;
constexpr std::size_t kSeenTickets = 3;   // cited of a question whether something is known
constexpr std::size_t kTextsRead = 200;   // of tickets, for a text that is quoted

std::string plural(std::size_t n, std::string_view one) {
  return std::to_string(n) + " " + std::string(one) + (n == 1 ? "" : "s");
}

// A ticket of one of the sources, with what its events say of it.
struct Ticket {
  std::size_t source = 0;
  const Items* items = nullptr;
  const Entity* entity = nullptr;
  float score = 0, coverage = 0;

  const Item& at(std::size_t i) const { return items->items()[entity->items[i]]; }
  const Item& first() const { return at(0); }
  const Item& last() const { return at(entity->items.size() - 1); }
  bool open() const { return last().attribute("open") != "no"; }
  // The event that closed it last; nullptr: it is open, or its beginning is not known.
  const Item* closed() const {
    if (open()) return nullptr;
    const Item* out = &first();
    for (std::size_t i = entity->items.size(); i-- > 0;) {
      if (at(i).attribute("open") != "no") break;
      out = &at(i);
    }
    return out;
  }
  std::int64_t time(ItemTime of) const {
    const Item* const end = closed();
    return of == ItemTime::kCreated ? first().event_us : of == ItemTime::kUpdated ? last().event_us : end != nullptr ? end->event_us : Window::kMin;
  }
  std::string_view reporter() const {
    const std::string_view reporter = last().attribute("reporter");
    return reporter.empty() ? first().attribute("author") : reporter;
  }
};

// Text of others: what looks like a citation of ours gets a space.
std::string harmless(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && i < most; ++i) {
    out += text[i];
    const bool in_word = i > 0 && std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0;  // "sshd[77]"
    if (text[i] == '[' && !in_word && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') out += ' ';
  }
  return out + (text.size() > most ? "…" : "");
}

// A name of others, within a line of ours.
std::string named(std::string_view value) {
  std::string out = harmless(value, kNameShown);
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

class Answerer {
 public:
  Answerer(const store::RecordLog& log, const search::Profiles& scope, const ItemQuestion& question, Window window, const language::TimeContext& time, const search::Limits& limits, std::size_t citations_max)
      : log_(log), scope_(scope), question_(question), window_(window), time_(time), limits_(limits), most_(citations_max) {}

  Result<std::optional<ItemReply>> run();

 private:
  struct Topic {
    std::vector<std::string> values;  // of attributes
    std::vector<std::vector<std::string>> stems;
  };
  bool has_value(const Ticket& ticket, std::string_view word) const;
  Topic topic_in(std::size_t source) const;
  void find_tickets();
  void find_tickets_in(std::size_t source);
  void keep_those_that_say_it();
  bool says_it(const Ticket& ticket) const;
  bool passes(const Ticket& ticket) const;
  Status section(float least);
  Status list();
  Status seen();
  Status logs();
  Status one(const Ticket& ticket);
  Status who(const Ticket& ticket);
  Status cite(std::size_t source, const Item& item, std::string_view lead, std::size_t shown);
  void cite_text(search::Hit hit, const std::string& place, std::string_view lead, std::size_t shown);
  Status cite_best_event(const Ticket& ticket, std::string_view lead, std::size_t shown);
  std::string day(std::int64_t us) const { return time_text(us, time_.zone_s).substr(0, 16); }
  std::string summary(const Ticket& ticket) const;
  std::string topic() const;

  const store::RecordLog& log_;
  const search::Profiles& scope_;
  const ItemQuestion& question_;
  const Window window_;
  const language::TimeContext& time_;
  const search::Limits& limits_;
  const std::size_t most_;
  std::vector<Ticket> tickets_;  // that fit, best first
  std::size_t all_tickets_ = 0;
  std::size_t fitting_ = 0;  // by their topic, open or not, at any time
  ItemReply out_;
};

std::string Answerer::topic() const {
  std::string out;
  for (const std::string& word : question_.words) out += (out.empty() ? " about \"" : " ") + word;
  return out.empty() ? out : out + "\"";
}

bool Answerer::passes(const Ticket& ticket) const {
  if (question_.open && *question_.open != ticket.open()) return false;
  if (!window_.bounded()) return true;
  const std::int64_t us = ticket.time(question_.time);
  return us >= window_.since_us && us <= window_.until_us;
}

// Whether the word is what the ticket has for a queue, a priority or a state, or a person in the role that is asked for.
bool Answerer::has_value(const Ticket& ticket, std::string_view word) const {
  const auto is = [&](std::string_view value) { return language::lower(value) == word; };
  for (const std::string_view key : {"queue", "priority", "state"}) {
    if (is(ticket.last().attribute(key))) return true;
  }
  const bool any = question_.role == ItemRole::kAny;
  if ((any || question_.role == ItemRole::kOwner) && is(ticket.last().attribute("owner"))) return true;
  if ((any || question_.role == ItemRole::kReporter) && is(ticket.reporter())) return true;
  return question_.role == ItemRole::kCloser && ticket.closed() != nullptr && is(ticket.closed()->attribute("author"));
}

// A word of the topic may be the value of an attribute: then it is a test, not a word to find.
Answerer::Topic Answerer::topic_in(std::size_t source) const {
  const Items& items = *scope_[source]->items;
  Topic out;
  std::vector<std::size_t> words;
  std::set<std::string_view> named;  // attributes that have a value among the words
  for (std::size_t w = 0; w < question_.words.size(); ++w) {
    const std::string& word = question_.words[w];
    const bool is_value = std::any_of(items.entities().begin(), items.entities().end(), [&](const Entity& entity) {
      const Ticket ticket{source, &items, &entity};
      if (!entity.is_ticket || entity.items.empty() || !has_value(ticket, word)) return false;
      for (const std::string_view key : {"queue", "priority", "state", "owner"}) {
        if (language::lower(ticket.last().attribute(key)) == word) named.insert(key);
      }
      return true;
    });
    if (is_value) out.values.push_back(word);
    else words.push_back(w);
  }
  for (const std::size_t w : words) {
    if (!named.contains(plan::attribute_called(question_.words[w]))) out.stems.push_back(question_.topic[w]);  // "the web |queue|"
  }
  return out;
}

void Answerer::find_tickets() {
  for (std::size_t s = 0; s < scope_.size(); ++s) {
    const Items& items = *scope_[s]->items;
    if (!items.has_tickets()) continue;
    for (const Entity& entity : items.entities()) all_tickets_ += entity.is_ticket && !entity.items.empty() ? 1 : 0;
    if (question_.ticket.empty()) {
      find_tickets_in(s);
    } else if (const Entity* const entity = items.ticket(question_.ticket)) {
      tickets_.push_back({s, &items, entity, 1, 1});
    }
  }
  // Where some have all of the topic, those that have a part of it are not meant.
  const bool whole = std::any_of(tickets_.begin(), tickets_.end(), [](const Ticket& ticket) { return ticket.coverage >= kWhole; });
  if (whole) std::erase_if(tickets_, [](const Ticket& ticket) { return ticket.coverage < kWhole; });
  std::stable_sort(tickets_.begin(), tickets_.end(), [](const Ticket& a, const Ticket& b) { return a.score > b.score; });
  fitting_ = tickets_.size();
  std::erase_if(tickets_, [&](const Ticket& ticket) { return question_.ticket.empty() && !passes(ticket); });
}

void Answerer::find_tickets_in(std::size_t source) {
  const Items& items = *scope_[source]->items;
  const Topic topic = topic_in(source);
  std::map<std::uint32_t, search::Ranked> ranked;
  for (const search::Ranked& each : items.rank(topic.stems, true)) ranked[each.entity] = each;
  for (std::uint32_t u = 0; u < items.entities().size(); ++u) {
    Ticket ticket{source, &items, &items.entities()[u], 0, topic.stems.empty() ? 1.0F : 0.0F};
    if (!ticket.entity->is_ticket || ticket.entity->items.empty()) continue;
    if (const auto found = ranked.find(u); found != ranked.end()) {
      ticket.score = found->second.score;
      ticket.coverage = found->second.coverage;
    }
    const bool tested = std::all_of(topic.values.begin(), topic.values.end(), [&](const std::string& value) { return has_value(ticket, value); });
    if (tested && ticket.coverage >= (question_.ask == ItemAsk::kSeen ? 0.35F : kFits)) tickets_.push_back(ticket);
  }
}

bool Answerer::says_it(const Ticket& ticket) const {
  for (std::size_t i = 0; i < ticket.entity->items.size(); ++i) {
    const auto read = log_.read(scope_[ticket.source]->ref, ticket.at(i).seq);
    if (read.is_ok() && read->text.find(question_.quoted) != std::string::npos) return true;
  }
  return false;
}

// Where a text is quoted, and the best ones have it word by word, the others are not meant.
void Answerer::keep_those_that_say_it() {
  if (question_.quoted.empty()) return;
  std::stable_sort(tickets_.begin(), tickets_.end(), [](const Ticket& a, const Ticket& b) { return a.coverage > b.coverage; });
  std::vector<Ticket> kept;
  for (std::size_t i = 0; i < tickets_.size() && i < kTextsRead; ++i) {
    if (says_it(tickets_[i])) kept.push_back(tickets_[i]);
  }
  if (!kept.empty()) tickets_ = std::move(kept);
}

std::string Answerer::summary(const Ticket& ticket) const {
  const Item& last = ticket.last();
  std::string out = named(ticket.entity->name) + " " + named(last.attribute("subject")) + " (" + (ticket.open() ? "open" : "closed");
  if (const std::string_view state = last.attribute("state"); !state.empty()) out += ", " + named(state);
  if (const std::string_view owner = last.attribute("owner"); !owner.empty()) out += ", owner " + named(owner);
  if (const std::string_view queue = last.attribute("queue"); !queue.empty()) out += ", in " + named(queue);
  return out + ", opened " + day(ticket.first().event_us) + (ticket.closed() != nullptr ? ", closed " + day(ticket.closed()->event_us) : "") + ")";
}

Status Answerer::cite(std::size_t source, const Item& item, std::string_view lead, std::size_t shown) {
  if (out_.reply.citations.size() >= most_) return Status::ok();
  const auto read = log_.read(scope_[source]->ref, item.seq);
  if (search::is_gone(read.status())) return Status::ok();
  SILT_TRY(read.status());
  cite_text({source, item.seq, item.event_us, 0, read->text, ""}, item.place, lead, shown);
  return Status::ok();
}

void Answerer::cite_text(search::Hit hit, const std::string& place, std::string_view lead, std::size_t shown) {
  if (out_.reply.citations.size() >= most_) return;
  out_.reply.text += "\n[" + std::to_string(out_.reply.citations.size() + 1) + "] " + named(place) + (lead.empty() ? "" : " " + std::string(lead)) + ": " + harmless(hit.text, shown);
  out_.reply.citations.push_back(std::move(hit));
}

// Of its events the one that has most of the topic.
Status Answerer::cite_best_event(const Ticket& ticket, std::string_view lead, std::size_t shown) {
  const Item* best = &ticket.first();
  std::size_t best_hits = 0;
  for (std::size_t i = 0; i < ticket.entity->items.size(); ++i) {
    const auto read = log_.read(scope_[ticket.source]->ref, ticket.at(i).seq);
    if (!read.is_ok()) continue;
    std::size_t hits = !question_.quoted.empty() && read->text.find(question_.quoted) != std::string::npos ? 100 : 0;
    for (const std::string& word : question_.words) hits += language::has_word(read->text, word) ? 1 : 0;
    if (hits <= best_hits) continue;
    best_hits = hits;
    best = &ticket.at(i);
  }
  return cite(ticket.source, *best, lead, shown);
}

Status Answerer::list() {
  if (question_.only_last || question_.only_first) {
    std::stable_sort(tickets_.begin(), tickets_.end(), [&](const Ticket& a, const Ticket& b) {
      const ItemTime of = question_.time == ItemTime::kUpdated ? ItemTime::kCreated : question_.time;
      return question_.only_last ? a.time(of) > b.time(of) : a.time(of) < b.time(of);
    });
    tickets_.resize(std::min<std::size_t>(1, tickets_.size()));
  } else if (question_.topic.empty()) {
    std::stable_sort(tickets_.begin(), tickets_.end(), [&](const Ticket& a, const Ticket& b) { return a.time(question_.time) > b.time(question_.time); });
  }
  const std::string_view kind = !question_.open ? "" : *question_.open ? "open " : "closed ";
  out_.reply.text = plural(tickets_.size(), std::string(kind) + "ticket") + topic();
  if (window_.bounded()) {
    const std::string_view what = question_.time == ItemTime::kClosed ? "closed" : question_.time == ItemTime::kCreated ? "opened" : "changed";
    out_.reply.text += ", " + std::string(what) + (window_.since_us == Window::kMin ? "" : " from " + day(window_.since_us)) + (window_.until_us == Window::kMax ? "" : " to " + day(window_.until_us));
  }
  out_.reply.text += tickets_.empty() ? "." : ":";
  for (std::size_t i = 0; i < tickets_.size() && i < kListed; ++i) {
    const Item* const closed = tickets_[i].closed();
    if (question_.time == ItemTime::kClosed && closed != nullptr) SILT_TRY(cite(tickets_[i].source, *closed, summary(tickets_[i]), kListShown));
    else SILT_TRY(cite_best_event(tickets_[i], summary(tickets_[i]), kListShown));
  }
  if (tickets_.size() > kListed) out_.reply.text += "\nand " + std::to_string(tickets_.size() - kListed) + " more";
  return Status::ok();
}

Status Answerer::who(const Ticket& ticket) {
  const Item* event = &ticket.first();
  std::string name;
  if (question_.ask == ItemAsk::kReporter) name = ticket.reporter();
  if (question_.ask == ItemAsk::kOwner) {
    name = ticket.last().attribute("owner");
    event = &ticket.last();
  }
  if (question_.ask == ItemAsk::kCloser && ticket.closed() != nullptr) {
    event = ticket.closed();
    name = event->attribute("author");
  }
  if (question_.ask == ItemAsk::kAuthors) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < ticket.entity->items.size(); ++i) {
      if (ticket.at(i).attribute("kind") != "comment") continue;
      names.emplace(ticket.at(i).attribute("author"));
      event = &ticket.at(i);
    }
    for (const std::string& each : names) name += (name.empty() ? "" : ", ") + each;
  }
  const std::string_view verb = question_.ask == ItemAsk::kReporter ? "reported" : question_.ask == ItemAsk::kOwner ? "owns" : question_.ask == ItemAsk::kCloser ? "closed" : "commented on";
  out_.reply.text = (name.empty() ? std::string("Nobody") : named(name)) + " " + std::string(verb) + " " + summary(ticket) + ".";
  return cite(ticket.source, *event, "", kEventShown);
}

Status Answerer::one(const Ticket& ticket) {
  const Item* const closed = ticket.closed();
  const Item& last = ticket.last();
  const auto seconds = [](std::int64_t us) { return search::duration_text(static_cast<double>(us) / 1e6); };
  switch (question_.ask) {
    case ItemAsk::kReporter:
    case ItemAsk::kOwner:
    case ItemAsk::kCloser:
    case ItemAsk::kAuthors: return who(ticket);
    case ItemAsk::kDuration:
      out_.reply.text = closed != nullptr ? seconds(closed->event_us - ticket.first().event_us) + " from opening to closing: " + summary(ticket) + "."
                                          : "Still open, for " + seconds(time_.now_us - ticket.first().event_us) + " so far: " + summary(ticket) + ".";
      SILT_TRY(cite(ticket.source, ticket.first(), "", kEventShown));
      return closed != nullptr && closed != &ticket.first() ? cite(ticket.source, *closed, "", kEventShown) : Status::ok();
    case ItemAsk::kCreated:
      out_.reply.text = time_text(ticket.first().event_us, time_.zone_s) + ": " + named(ticket.reporter()) + " opened " + summary(ticket) + ".";
      return cite(ticket.source, ticket.first(), "", kEventShown);
    case ItemAsk::kClosed:
      out_.reply.text = closed != nullptr ? time_text(closed->event_us, time_.zone_s) + ": closed " + summary(ticket) + "." : "It is open: " + summary(ticket) + ".";
      return cite(ticket.source, closed != nullptr ? *closed : last, "", kEventShown);
    case ItemAsk::kState:
      out_.reply.text = std::string(ticket.open() ? "open" : "closed") + " (" + named(last.attribute("state")) + "): " + summary(ticket) + ".";
      return cite(ticket.source, last, "", kEventShown);
    case ItemAsk::kPriority:
    case ItemAsk::kQueue: {
      const std::string_view key = question_.ask == ItemAsk::kPriority ? "priority" : "queue";
      const std::string_view value = last.attribute(key);
      out_.reply.text = (value.empty() ? std::string("none") : named(value)) + " is the " + std::string(key) + " of " + summary(ticket) + ".";
      return cite(ticket.source, last, "", kEventShown);
    }
    default:
      out_.reply.text = summary(ticket) + ", " + plural(ticket.entity->items.size(), "event") + ".";
      SILT_TRY(cite(ticket.source, ticket.first(), "", 3 * kEventShown));
      for (std::size_t i = ticket.entity->items.size(); i-- > 1 && out_.reply.citations.size() < 4;)
        SILT_TRY(cite(ticket.source, ticket.at(i), named(ticket.at(i).attribute("author")), kEventShown));
      return Status::ok();
  }
}

// Tickets like it, what the documents say, and where the logs have it.
Status Answerer::seen() {
  std::string& text = out_.reply.text;
  if (!tickets_.empty()) {
    text = "Yes, in " + summary(tickets_.front()) + (tickets_.size() > 1 ? ", and perhaps in " + plural(std::min<std::size_t>(tickets_.size() - 1, 4), "other") : "") + ".";
    for (std::size_t i = 0; i < tickets_.size() && i < kSeenTickets; ++i) SILT_TRY(cite_best_event(tickets_[i], "", kEventShown));
  }
  std::string tickets = std::exchange(text, {});
  SILT_TRY(section(kFits));
  if (!tickets.empty()) text = tickets + (text.empty() ? "" : "\nThe documents: " + text);
  return logs();
}

// Of records that are neither tickets nor documents the last ones that have all of its words; numbers differ each time.
Status Answerer::logs() {
  Query query;
  query.window = window_;
  std::string words;
  for (const std::string& word : question_.words) words += " " + word;
  language::for_each_word(question_.quoted.empty() ? words : question_.quoted, [&](std::string_view word, std::size_t) {
    const bool says = word.size() > 2 && word.find_first_of("0123456789") == std::string_view::npos;
    if (says) query.words.push_back({language::lower(word)});
  });
  search::Profiles others;
  std::vector<std::size_t> index;
  for (std::size_t s = 0; s < scope_.size(); ++s) {
    if (!scope_[s]->items->empty()) continue;
    others.push_back(scope_[s]);
    index.push_back(s);
  }
  if (query.words.size() < 2 || others.empty()) return Status::ok();
  SILT_ASSIGN(search::Outcome found, search::execute(log_, others, query, limits_));
  if (found.matched == 0) return Status::ok();
  out_.reply.text += (out_.reply.text.empty() ? "Yes, in the logs: " : "\nThe logs: ") + plural(found.matched, "record") + (found.complete ? "" : " at least") + " with these words";
  if (found.first && found.last) out_.reply.text += ", from " + day(found.first->event_us) + " to " + day(found.last->event_us);
  out_.reply.text += ":";
  for (std::size_t i = found.sample.size() - std::min<std::size_t>(found.sample.size(), 2); i < found.sample.size(); ++i) {
    search::Hit hit = std::move(found.sample[i]);
    hit.source = index[hit.source];
    cite_text(std::move(hit), scope_[hit.source]->name, "", kEventShown);
  }
  return Status::ok();
}

// The best section, and the names of the next ones.
Status Answerer::section(float least) {
  struct Place {
    std::size_t source;
    search::Ranked ranked;
  };
  std::vector<Place> places;
  for (std::size_t s = 0; s < scope_.size(); ++s) {
    for (const search::Ranked& ranked : scope_[s]->items->rank(question_.topic, false)) {
      if (places.size() > 1000) break;
      places.push_back({s, ranked});
    }
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.ranked.score > b.ranked.score; });
  if (places.empty() || places.front().ranked.coverage < least) return Status::ok();
  for (std::size_t i = 0; i < places.size() && i < 3; ++i) {
    const Items& items = *scope_[places[i].source]->items;
    const Item& item = items.items()[items.entities()[places[i].ranked.entity].items.front()];
    if (out_.reply.text.empty()) out_.reply.text = named(item.place) + " says:";
    if (i == 1) out_.reply.text += "\nSee also:";
    SILT_TRY(cite(places[i].source, item, "", i == 0 ? kSectionShown : 120));
  }
  out_.judged.confidence = places.front().ranked.coverage;
  return Status::ok();
}

Result<std::optional<ItemReply>> Answerer::run() {
  if (question_.ask == ItemAsk::kSection) {
    SILT_TRY(section(kSectionFits));
  } else {
    find_tickets();
    keep_those_that_say_it();
    const bool many = question_.ask == ItemAsk::kList || question_.ask == ItemAsk::kCount;
    out_.judged.confidence = 0.8F;
    if (question_.ask == ItemAsk::kSeen) SILT_TRY(seen());
    else if (many && (fitting_ > 0 || question_.words.empty())) SILT_TRY(list());
    else if (!tickets_.empty()) SILT_TRY(one(tickets_.front()));
    out_.reply.text += tickets_.empty() || out_.reply.text.empty() ? "" : "\n" + plural(tickets_.size(), "ticket") + " of " + std::to_string(all_tickets_) + " fit.";
  }
  if (out_.reply.text.empty()) return std::optional<ItemReply>();
  out_.judged.verdict = Verdict::kStated;
  out_.judged.scope = scope_;
  out_.judged.candidate.query.op = question_.ask == ItemAsk::kCount ? Op::kCount : question_.ask == ItemAsk::kDuration ? Op::kDuration : Op::kList;
  for (const std::string& word : question_.words) out_.judged.candidate.query.words.push_back({word});
  out_.judged.candidate.query.window = window_;
  out_.judged.outcome.matched = out_.reply.citations.size();
  for (const auto& profile : scope_) out_.judged.outcome.examined = out_.judged.outcome.total += profile->records;
  return std::optional(std::move(out_));
}

}  // namespace

Result<std::optional<ItemReply>> reply_from_items(const store::RecordLog& log, const search::Profiles& scope, const std::string& question,
                                                  const language::TimeContext& time, const search::Limits& limits, std::size_t citations_max) {
  plan::ItemScope there;
  language::TimeContext context = time;
  there.only_sections = true;
  for (const auto& profile : scope) {
    there.has_tickets = there.has_tickets || profile->items->has_tickets();
    there.has_sections = there.has_sections || profile->items->has_sections();
    there.only_sections = there.only_sections && profile->items->has_sections() && !profile->items->has_tickets();
    if (profile->items->has_tickets()) {
      context.first_us = profile->first_us;
      context.last_us = profile->last_us;
    }
  }
  if (!there.has_tickets && !there.has_sections) return std::optional<ItemReply>();
  const language::Reading reading = language::read_question(question, context);
  const std::optional<ItemQuestion> item_question = plan::read_item_question(reading, there);
  if (!item_question || !reading.impossible.empty()) return std::optional<ItemReply>();
  return Answerer(log, scope, *item_question, language::intersect(reading.windows), context, limits, citations_max).run();
}

}  // namespace silt::answer::reply
