#include "connectors/tickets/request_tracker.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <set>

#include "connectors/documents/html_text.h"
#include "connectors/http/credential.h"
#include "connectors/timestamp.h"

namespace silt::connectors {
namespace {

constexpr Mark kWindow = 100;             // ids of one page: rows that are hidden from us cut no page
constexpr Mark kIdsAtStart = 1000;        // looked at again after a start
constexpr std::int64_t kLateUs = 120'000'000;  // a transaction is seen so long after its id was given
constexpr std::size_t kPagesMax = 10'000;
constexpr std::size_t kBodies = 20;            // attachments of one page: each may be large

const std::set<std::string, std::less<>> kClosed = {"resolved", "rejected", "deleted", "merged"};  // the last is ours

std::string header_of(const std::string& credential) {
  return "Authorization: " + (credential.find(':') == std::string::npos ? "token " + credential : basic_authorization(credential));
}

// "#7" of "fsck.com-rt://example.org/ticket/7"; other links as they are.
std::string linked(const std::string& uri) {
  const std::size_t number = uri.rfind('/') + 1;
  return uri.starts_with("fsck.com-rt://") && uri.substr(0, number).ends_with("/ticket/") ? "#" + uri.substr(number) : uri;
}

bool has_body(std::string_view type) {
  return type == "Create" || type == "Comment" || type == "Correspond";
}

// An attachment, as RT calls every part of a message.
struct Part {
  std::string type, file, content;
};

class RequestTracker final : public TicketSource {
 public:
  explicit RequestTracker(const TrackerOptions& options) : queues_(options.queues.begin(), options.queues.end()) {}

  Status open(const TrackerOptions& options) {
    SILT_ASSIGN(api_, TrackerApi::create(options, header_of));
    return Status::ok();
  }

  Status check() override { return api_->get(kBase + "/rt").status(); }
  Result<Listing> list(Mark since, const std::string& next) override;
  Result<std::optional<Ticket>> read(const std::string& id, const Told& told) override;
  Result<std::vector<std::string>> existing(std::span<const std::string> ids) override;
  bool is_open(const std::string& state) const override { return !kClosed.contains(state); }
  Mark overlap() const override;
  Mark precision() const override { return 1; }
  std::size_t existing_max() const override { return 20; }
  std::int64_t pause_ms() const override { return api_->pause_ms(); }
  void cancel() override { api_->cancel(); }

 private:
  Status probe();
  Result<std::string> queue_of(Json ticket) { return name("queue", ticket["Queue"]["id"].shown()); }
  bool is_read(const std::string& queue) const { return queues_.empty() || queues_.contains(queue); }
  Status read_fields(Json ticket, Ticket& out);
  using Bodies = std::map<std::string, std::vector<Part>>;  // of transactions
  Result<Bodies> bodies_of(const std::string& ticket);
  Result<Bodies> bodies_for(Json transactions, const Told& told, const std::string& ticket);
  Status read_body(const Bodies& bodies, const std::string& transaction, TicketEvent& event);
  Result<TicketEvent> event_of(Json transaction, const Told& told, const Bodies& bodies);
  Status read_events(const Told& told, Ticket& out);
  Status tell_merge(Ticket& ticket);
  Result<std::string> name(std::string_view kind, const std::string& id);

  const std::string kBase = "/REST/2.0";
  const std::set<std::string, std::less<>> queues_;
  std::unique_ptr<TrackerApi> api_;
  std::map<std::string, std::string> names_;  // by "queue/3"
  Mark newest_ = 0;                           // id of a transaction
  std::deque<std::pair<std::int64_t, Mark>> newest_at_;  // by the tracker's clock
};

std::string query(const std::string& sql) {
  return "query=" + url_escape(sql);
}

// The id that was the newest kLateUs ago: behind it nothing is late.
Mark RequestTracker::overlap() const {
  if (newest_at_.empty()) return kIdsAtStart;
  Mark old = newest_at_.front().second;
  for (const auto& [us, id] : newest_at_) {
    if (us <= newest_at_.back().first - kLateUs) old = id;
  }
  const bool long_enough = newest_at_.back().first - newest_at_.front().first >= kLateUs;
  return long_enough ? newest_ - old + 1 : newest_ - old + kIdsAtStart;
}

Status RequestTracker::probe() {
  SILT_ASSIGN(const ApiAnswer answer, api_->get(kBase + "/transactions?" + query("ObjectType='RT::Ticket'") +
                                                "&orderby=id&order=DESC&per_page=1"));
  const Json items = answer.json.root()["items"];
  if (!items.is_array()) return data_loss("RT's list of transactions has no items: check url");
  newest_ = std::max(newest_, items.at(0)["id"].number());
  newest_at_.emplace_back(api_->now_us(), newest_);
  while (newest_at_.size() > 2 && newest_at_[1].first <= newest_at_.back().first - kLateUs) newest_at_.pop_front();
  return Status::ok();
}

Result<Listing> RequestTracker::list(Mark since, const std::string&) {
  if (since + kWindow > newest_) SILT_TRY(probe());
  const std::string window = "ObjectType='RT::Ticket' AND id >= " + std::to_string(since) + " AND id < " + std::to_string(since + kWindow);
  SILT_ASSIGN(const ApiAnswer answer, api_->get(kBase + "/transactions?" + query(window) +
                                                "&orderby=id&order=ASC&per_page=100&fields=Type,ObjectId,Object"));
  const Json items = answer.json.root()["items"];
  if (!items.is_array()) return data_loss("RT's list of transactions has no items");
  Listing out;
  out.settled = std::numeric_limits<Mark>::max();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Json item = items.at(i);
    const std::string ticket = item["Object"]["id"] ? item["Object"]["id"].shown() : item["ObjectId"].shown();
    if (!ticket.empty()) out.refs.push_back({ticket, item["id"].number(), "", "t" + item["id"].shown()});
  }
  out.more = since + kWindow <= newest_;
  out.until = out.more ? since + kWindow : std::max(since, newest_);
  return out;
}

Result<std::string> RequestTracker::name(std::string_view kind, const std::string& id) {
  if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) return id;
  const std::string key = std::string(kind) + "/" + id;
  if (const auto found = names_.find(key); found != names_.end()) return found->second;
  const auto answer = api_->get(kBase + "/" + key);
  if (answer.status().code() == Code::kUnavailable || answer.status().code() == Code::kCancelled) return answer.status();
  const std::string found(answer.is_ok() ? answer->json.root()["Name"].text() : std::string_view());
  return names_[key] = found.empty() ? id : found;  // whom we may not see has a number
}

Status RequestTracker::read_fields(Json ticket, Ticket& out) {
  out.now.subject = ticket["Subject"].text();
  out.now.state = ticket["Status"].text();
  out.now.priority = ticket["Priority"].shown();
  out.now.owner = ticket["Owner"]["id"].text();
  if (out.now.owner == "Nobody") out.now.owner.clear();
  SILT_ASSIGN(out.now.queue, queue_of(ticket));
  const Json requestors = ticket["Requestor"];
  const Json reporter = requestors.size() > 0 ? requestors.at(0)["id"] : ticket["Creator"]["id"];
  out.now.reporter = reporter.text();
  out.open = is_open(out.now.state);
  return Status::ok();
}

// What the parts say, and which files they name: mail has its text in both forms.
void put_together(const std::vector<Part>& parts, TicketEvent& event) {
  bool plain = false;
  for (const bool html : {false, true}) {
    for (const Part& part : parts) {
      if (!part.file.empty()) {
        if (!html) event.attachments.push_back(part.file);
      } else if (part.type == (html ? "text/html" : "text/plain") && !part.content.empty() && !(html && plain)) {
        if (!event.text.empty()) event.text += '\n';
        event.text += html ? html_text(part.content) : part.content;
        plain = plain || !html;
      }
    }
  }
}

Part part_of(Json part) {
  return {std::string(part["ContentType"].text()), std::string(part["Filename"].text()), std::string(part["Content"].text())};
}

// One call for all, where a call for each would be as many as there are comments.
Result<RequestTracker::Bodies> RequestTracker::bodies_of(const std::string& ticket) {
  Bodies out;
  std::int64_t pages = 1;
  for (std::int64_t page = 1; page <= pages; ++page) {
    SILT_ASSIGN(const ApiAnswer answer, api_->get(kBase + "/ticket/" + ticket + "/attachments?per_page=" + std::to_string(kBodies) + "&page=" +
                                                  std::to_string(page) + "&orderby=id&fields=TransactionId,ContentType,Filename,Content"));
    const Json root = answer.json.root(), items = root["items"];
    for (std::size_t i = 0; i < items.size(); ++i) out[items.at(i)["TransactionId"].shown()].push_back(part_of(items.at(i)));
    if (!root["pages"]) return Bodies();  // rows are hidden from us: nobody says whether these are all of a transaction
    pages = root["pages"].number();
  }
  return out;
}

Status RequestTracker::read_body(const Bodies& bodies, const std::string& transaction, TicketEvent& event) {
  if (const auto known = bodies.find(transaction); known != bodies.end()) return put_together(known->second, event), Status::ok();
  SILT_ASSIGN(const ApiAnswer answer, api_->get(kBase + "/transaction/" + transaction + "/attachments?per_page=100&fields=ContentType,Filename,Content"));
  const Json items = answer.json.root()["items"];
  std::vector<Part> parts;
  for (std::size_t i = 0; i < items.size(); ++i) parts.push_back(part_of(items.at(i)));
  put_together(parts, event);
  return Status::ok();
}

Result<TicketEvent> RequestTracker::event_of(Json transaction, const Told& told, const Bodies& bodies) {
  TicketEvent event;
  event.id = "t" + transaction["id"].shown();
  event.at_us = parse_timestamp(transaction["Created"].text()).value_or(0);
  event.author = transaction["Creator"]["id"].text();
  const std::string type(transaction["Type"].text()), field(transaction["Field"].text());
  std::string from = transaction["OldValue"].shown(), to = transaction["NewValue"].shown();
  event.known = told(event.id);
  if (has_body(type)) {
    event.kind = type == "Create" ? "created" : "comment";
    if (!event.known) SILT_TRY(read_body(bodies, transaction["id"].shown(), event));
  } else if (type == "AddLink" || type == "DeleteLink") {
    event.kind = "change";
    // Of a merge both tickets tell, and name the one that stays.
    const bool merged = field == "MergedInto" && type == "AddLink";
    if (merged && linked(to) == "#" + transaction["ObjectId"].shown()) event.links.emplace_back("another ticket was merged into this one");
    else if (merged) event.links.push_back("merged into " + linked(to));
    else event.links.push_back(field + " " + (type == "AddLink" ? linked(to) : linked(from) + " (removed)"));
  } else if (type == "SetWatcher") {  // an owner's has another of its own, which is told
  } else if (type == "Status" || field == "Subject" || field == "Queue" || field == "Owner" || field.ends_with("Priority") || type == "CustomField") {
    event.kind = "change";
    static const std::map<std::string_view, std::string_view> kFields = {{"Status", "state"}, {"Subject", "subject"}, {"Queue", "queue"}, {"Owner", "owner"}, {"Priority", "priority"}};
    const auto known = kFields.find(type == "Status" ? "Status" : std::string_view(field));
    const std::string called = known == kFields.end() ? field : std::string(known->second);
    if (called == "queue" || called == "owner") {
      const std::string_view kind = called == "queue" ? "queue" : "user";
      SILT_ASSIGN(from, name(kind, from));
      SILT_ASSIGN(to, name(kind, to));
    }
    for (std::string* const value : {&from, &to}) {
      if (called == "owner" && *value == "Nobody") value->clear();
    }
    event.changes.push_back({called, from, to});
  }
  return event;  // others are machinery: mail that was sent, reminders
}

// None are fetched beforehand for one new comment, nor when all together are more than an answer may be.
Result<RequestTracker::Bodies> RequestTracker::bodies_for(Json transactions, const Told& told, const std::string& ticket) {
  std::size_t fresh = 0;
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    const Json each = transactions.at(i);
    fresh += has_body(each["Type"].text()) && !told("t" + each["id"].shown()) ? 1 : 0;
  }
  if (fresh < 2) return Bodies();
  Result<Bodies> all = bodies_of(ticket);
  return all.status().code() == Code::kDataLoss || all.status().code() == Code::kNotFound ? Bodies() : std::move(all);
}

Status RequestTracker::read_events(const Told& told, Ticket& out) {
  std::string last = "0";
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    SILT_ASSIGN(const ApiAnswer list,
                api_->get(kBase + "/transactions?" + query("ObjectType='RT::Ticket' AND ObjectId=" + out.id + " AND id > " + last) +
                          "&orderby=id&order=ASC&per_page=100&fields=Type,Field,OldValue,NewValue,Created,Creator,ObjectId"));
    const Json items = list.json.root()["items"];
    if (!items.is_array()) return data_loss("RT's list of transactions has no items");
    SILT_ASSIGN(const Bodies bodies, bodies_for(items, told, out.id));
    for (std::size_t i = 0; i < items.size(); ++i) {
      SILT_ASSIGN(TicketEvent event, event_of(items.at(i), told, bodies));
      out.events.push_back(std::move(event));
    }
    const bool counted = static_cast<bool>(list.json.root()["total"]);
    if (items.size() == 0 || (counted && items.size() < kWindow)) break;
    last = items.at(items.size() - 1)["id"].shown();
  }
  return Status::ok();
}

// RT answers for a ticket that was merged as for the one it went into. What it was itself, its own events say.
Status RequestTracker::tell_merge(Ticket& ticket) {
  TicketFields own;
  for (const TicketEvent& event : ticket.events) {
    for (const FieldChange& change : event.changes) {
      if (std::string* const field = field_of(own, change.field)) *field = change.to;
    }
  }
  if (own.subject.empty() && !ticket.events.empty()) {
    SILT_ASSIGN(const ApiAnswer answer, api_->get(kBase + "/transaction/" + ticket.events.front().id.substr(1) + "/attachments?per_page=1&fields=Subject"));
    own.subject = answer.json.root()["items"].at(0)["Subject"].text();
  }
  if (!ticket.events.empty()) own.reporter = ticket.events.front().author;
  const auto merge = std::find_if(ticket.events.rbegin(), ticket.events.rend(), [](const TicketEvent& event) { return !event.links.empty() && event.links[0].starts_with("merged into "); });
  if (merge != ticket.events.rend()) merge->changes.push_back({"state", own.state, "merged"});
  own.state = "merged";
  ticket.now = std::move(own);
  ticket.open = false;
  return Status::ok();
}

Result<std::optional<Ticket>> RequestTracker::read(const std::string& id, const Told& told) {
  const auto answer = api_->get(kBase + "/ticket/" + url_escape(id) + "?fields[Queue]=Name");
  if (answer.status().code() == Code::kNotFound) return std::optional<Ticket>();
  SILT_TRY(answer.status());
  const Json json = answer->json.root();
  Ticket ticket;
  ticket.id = id;
  ticket.place = "#" + id;
  SILT_TRY(read_fields(json, ticket));
  if (ticket.now.state == "deleted" || !is_read(ticket.now.queue)) return std::optional<Ticket>();
  SILT_TRY(read_events(told, ticket));
  if (json["id"].shown() != id) SILT_TRY(tell_merge(ticket));
  return std::optional(std::move(ticket));
}

Result<std::vector<std::string>> RequestTracker::existing(std::span<const std::string> ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    const auto answer = api_->get(kBase + "/ticket/" + url_escape(id));
    if (answer.status().code() == Code::kNotFound) continue;
    SILT_TRY(answer.status());
    const Json ticket = answer->json.root();
    SILT_ASSIGN(const std::string queue, queue_of(ticket));
    if (ticket["Status"].text() != "deleted" && is_read(queue)) out.push_back(id);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<TicketSource>> make_request_tracker(const TrackerOptions& options) {
  auto source = std::make_unique<RequestTracker>(options);
  SILT_TRY(source->open(options));
  return std::unique_ptr<TicketSource>(std::move(source));
}

}  // namespace silt::connectors
