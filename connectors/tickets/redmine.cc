#include "connectors/tickets/redmine.h"

#include <algorithm>
#include <map>
#include <set>

#include "connectors/timestamp.h"

namespace silt::connectors {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kOverlapUs = 60 * kSecondUs;
constexpr std::size_t kPage = 100;

std::string name_of(Json thing) {
  return std::string(thing["name"].text());
}

class Redmine final : public TicketSource {
 public:
  explicit Redmine(const TrackerOptions& options) : queues_(options.queues) {}

  Status open(const TrackerOptions& options) {
    SILT_ASSIGN(api_, TrackerApi::create(options, [](const std::string& key) { return "X-Redmine-API-Key: " + key; }));
    return Status::ok();
  }

  Status check() override;
  Result<Listing> list(Mark since, const std::string& next) override;
  Result<std::optional<Ticket>> read(const std::string& id, const Told& told) override;
  Result<std::vector<std::string>> existing(std::span<const std::string> ids) override;
  bool is_open(const std::string& state) const override { return !closed_.contains(state); }
  Mark overlap() const override { return kOverlapUs; }
  Mark precision() const override { return kSecondUs; }
  std::size_t existing_max() const override { return 10 * kPage; }
  std::int64_t pause_ms() const override { return api_->pause_ms(); }
  void cancel() override { api_->cancel(); }

 private:
  using Names = std::map<std::string, std::string>;  // by number

  Status list_of(std::string_view ids, std::vector<std::string>& out);
  Status learn_names(const std::string& target, std::string_view key, std::string_view field);
  TicketEvent journal(Json journal, std::set<std::string>& attachments);
  void detail(Json detail, TicketEvent& event, std::set<std::string>& attachments);
  std::string named(std::string_view field, std::string_view number) const;
  void note_names(Json issue);

  const std::vector<std::string> queues_;
  std::unique_ptr<TrackerApi> api_;
  std::string projects_;              // filter of the list
  std::set<std::string> project_ids_;  // in it
  std::map<std::string, Names> names_;  // by field
  std::set<std::string> closed_;
};

Status Redmine::learn_names(const std::string& target, std::string_view key, std::string_view field) {
  SILT_ASSIGN(const ApiAnswer answer, api_->get(target));
  const Json list = answer.json.root()[key];
  for (std::size_t i = 0; i < list.size(); ++i) {
    names_[std::string(field)][list.at(i)["id"].shown()] = name_of(list.at(i));
    if (list.at(i)["is_closed"].is_true()) closed_.insert(name_of(list.at(i)));
  }
  return Status::ok();
}

Status Redmine::check() {
  SILT_TRY(api_->get("/users/current.json").status());  // without a valid key the rest would show what is public
  SILT_TRY(learn_names("/issue_statuses.json", "issue_statuses", "status_id"));
  SILT_TRY(learn_names("/enumerations/issue_priorities.json", "issue_priorities", "priority_id"));
  SILT_TRY(learn_names("/trackers.json", "trackers", "tracker_id"));
  projects_.clear();
  project_ids_.clear();
  for (const std::string& queue : queues_) {
    SILT_ASSIGN(const ApiAnswer answer, api_->get("/projects/" + url_escape(queue) + ".json"));
    const std::string id = answer.json.root()["project"]["id"].shown();
    if (projects_.empty()) projects_ = "&f[]=project_id&op[project_id]=%3D";
    projects_ += "&v[project_id][]=" + id;
    project_ids_.insert(id);
  }
  return Status::ok();
}

// Inside of one second the list is paged by number, in steps of half a page: one that leaves it shifts the others.
Result<Listing> Redmine::list(Mark since, const std::string& next) {
  const std::string offset = next.empty() ? "0" : next;
  SILT_ASSIGN(const ApiAnswer answer,
              api_->get("/issues.json?set_filter=1&f[]=status_id&op[status_id]=*&f[]=updated_on&op[updated_on]=%3E%3D&v[updated_on][]=" +
                        url_escape(ticket_time(since)) + projects_ + "&sort=updated_on:asc,id:asc&limit=" +
                        std::to_string(kPage) + "&offset=" + offset));
  const Json issues = answer.json.root()["issues"];
  if (!issues.is_array()) return data_loss("Redmine's list has no issues: check url");
  Listing out;
  out.until = since;
  for (std::size_t i = 0; i < issues.size(); ++i) {
    const std::string updated(issues.at(i)["updated_on"].text());
    const auto mark = parse_timestamp(updated);
    if (!mark) return data_loss("Redmine's issue " + issues.at(i)["id"].shown() + " has no time");
    out.refs.push_back({issues.at(i)["id"].shown(), *mark, updated, ""});
    out.until = *mark;
    api_->note_stamp(*mark);
  }
  settle(api_->now_us(), kOverlapUs, out);
  out.more = issues.size() >= kPage;
  out.next = std::to_string(std::stoull(offset) + kPage / 2);
  return out;
}

std::string Redmine::named(std::string_view field, std::string_view number) const {
  if (number.empty()) return {};
  const auto names = names_.find(std::string(field));
  if (names == names_.end()) return std::string(number);
  const auto name = names->second.find(std::string(number));
  return name == names->second.end() ? std::string(number) : name->second;
}

void Redmine::note_names(Json issue) {
  names_["project_id"][issue["project"]["id"].shown()] = name_of(issue["project"]);
  Names& users = names_["assigned_to_id"];
  for (const Json user : {issue["author"], issue["assigned_to"]}) users[user["id"].shown()] = name_of(user);
  const Json journals = issue["journals"];
  for (std::size_t i = 0; i < journals.size(); ++i) users[journals.at(i)["user"]["id"].shown()] = name_of(journals.at(i)["user"]);
}

void Redmine::detail(Json detail, TicketEvent& event, std::set<std::string>& attachments) {
  static const std::map<std::string_view, std::string_view> kFields = {
      {"status_id", "state"}, {"assigned_to_id", "owner"}, {"priority_id", "priority"}, {"project_id", "queue"}, {"tracker_id", "tracker"}};
  const std::string property = detail["property"].shown(), name = detail["name"].shown();
  const std::string from = detail["old_value"].shown(), to = detail["new_value"].shown();
  event.wording += '\0' + property + '\0' + name + '\0' + from + '\0' + to;
  if (property == "attachment") {
    attachments.insert(name);
    event.attachments.push_back(to.empty() ? from + " (removed)" : to);
  } else if (property == "relation") {
    event.links.push_back(to.empty() ? name + " #" + from + " (removed)" : name + " #" + to);
  } else if (name == "description") {
    event.text += event.text.empty() ? "description changed" : "\ndescription changed";
  } else {
    const auto field = kFields.find(name);
    event.changes.push_back({field == kFields.end() ? name : std::string(field->second), named(name, from), named(name, to)});
  }
}

TicketEvent Redmine::journal(Json journal, std::set<std::string>& attachments) {
  TicketEvent event;
  event.id = "j" + journal["id"].shown();
  event.at_us = parse_timestamp(journal["created_on"].text()).value_or(0);
  event.author = name_of(journal["user"]);
  event.text = journal["notes"].text();
  event.wording = event.text;
  event.kind = event.text.empty() ? "change" : "comment";
  const Json details = journal["details"];
  for (std::size_t i = 0; i < details.size(); ++i) detail(details.at(i), event, attachments);
  return event;
}

Result<std::optional<Ticket>> Redmine::read(const std::string& id, const Told&) {
  const auto answer = api_->get("/issues/" + id + ".json?include=journals,attachments,relations");
  if (answer.status().code() == Code::kNotFound) return std::optional<Ticket>();
  SILT_TRY(answer.status());
  const Json issue = answer->json.root()["issue"];
  if (!issue) return data_loss("Redmine's answer has no issue");
  note_names(issue);
  if (!projects_.empty() && !project_ids_.contains(issue["project"]["id"].shown())) {
    std::vector<std::string> listed;  // a project may show the issues of those below it
    SILT_TRY(list_of(id, listed));
    if (listed.empty()) return std::optional<Ticket>();
  }
  Ticket ticket;
  ticket.id = id;
  ticket.place = "#" + id;
  ticket.now = {std::string(issue["subject"].text()), name_of(issue["project"]), name_of(issue["status"]),
                name_of(issue["assigned_to"]), name_of(issue["priority"]), name_of(issue["author"])};
  ticket.open = is_open(ticket.now.state) && !issue["closed_on"];
  ticket.events.push_back(created_event(issue["created_on"].text(), ticket.now.reporter, std::string(issue["description"].text())));
  std::set<std::string> later;  // attachments that a journal tells of
  const Json journals = issue["journals"];
  for (std::size_t i = 0; i < journals.size(); ++i) ticket.events.push_back(journal(journals.at(i), later));
  const Json attachments = issue["attachments"];
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    if (!later.contains(attachments.at(i)["id"].shown()))
      ticket.events.front().attachments.emplace_back(attachments.at(i)["filename"].text());
  }
  const Json relations = issue["relations"];
  for (std::size_t i = 0; i < relations.size(); ++i) {  // no journal tells of some of them
    const Json relation = relations.at(i);
    const bool from = relation["issue_id"].shown() == id;
    ticket.events.front().links.push_back(std::string(relation["relation_type"].text()) + " #" +
                                          relation[from ? "issue_to_id" : "issue_id"].shown());
  }
  return std::optional(std::move(ticket));
}

// Which of at most a page of issues are there, in the projects that are read.
Status Redmine::list_of(std::string_view ids, std::vector<std::string>& out) {
  SILT_ASSIGN(const ApiAnswer answer, api_->get("/issues.json?set_filter=1&f[]=status_id&op[status_id]=*&f[]=issue_id&op[issue_id]=%3D&v[issue_id][]=" +
                                                std::string(ids) + projects_ + "&limit=" + std::to_string(kPage)));
  const Json issues = answer.json.root()["issues"];
  if (!issues.is_array()) return data_loss("Redmine's list has no issues: check url");
  for (std::size_t i = 0; i < issues.size(); ++i) out.push_back(issues.at(i)["id"].shown());
  return Status::ok();
}

Result<std::vector<std::string>> Redmine::existing(std::span<const std::string> ids) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < ids.size(); begin += kPage) {
    std::string list;
    for (const std::string& id : ids.subspan(begin, std::min(kPage, ids.size() - begin))) list += (list.empty() ? "" : ",") + id;
    SILT_TRY(list_of(list, out));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<TicketSource>> make_redmine(const TrackerOptions& options) {
  auto source = std::make_unique<Redmine>(options);
  SILT_TRY(source->open(options));
  return std::unique_ptr<TicketSource>(std::move(source));
}

}  // namespace silt::connectors
