#include "connectors/tickets/jira.h"

#include <algorithm>
#include <map>
#include <set>

#include "connectors/http/credential.h"
#include "connectors/tickets/adf.h"
#include "connectors/timestamp.h"

namespace silt::connectors {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kOverlapUs = 2 * kMinuteUs;  // the search index is behind by seconds, sometimes more
constexpr std::size_t kPage = 100;
constexpr std::size_t kPagesMax = 1000;

std::string header_of(const std::string& credential) {
  return "Authorization: " + (credential.find(':') == std::string::npos ? "Bearer " + credential : basic_authorization(credential));
}

std::string person(Json user) {
  const std::string_view shown = user["displayName"].text();
  return std::string(shown.empty() ? user["name"].text() : shown);
}

class Jira final : public TicketSource {
 public:
  explicit Jira(const TrackerOptions& options) : queues_(options.queues) {}

  Status open(const TrackerOptions& options) {
    SILT_ASSIGN(api_, TrackerApi::create(options, header_of));
    return Status::ok();
  }

  Status check() override;
  Result<Listing> list(Mark since, const std::string& next) override;
  Result<std::optional<Ticket>> read(const std::string& id, const Told& told) override;
  Result<std::vector<std::string>> existing(std::span<const std::string> ids) override;
  bool is_open(const std::string& state) const override { return !done_.contains(state); }
  Mark overlap() const override { return kOverlapUs; }
  Mark precision() const override { return cloud_ ? 1000 : kMinuteUs; }
  std::size_t existing_max() const override { return 20; }
  std::int64_t pause_ms() const override { return api_->pause_ms(); }
  void cancel() override { api_->cancel(); }

 private:
  std::string base() const { return cloud_ ? "/rest/api/3" : "/rest/api/2"; }
  std::string jql(Mark since) const;
  bool is_read(Json fields) const {
    return queues_.empty() || std::find(queues_.begin(), queues_.end(), fields["project"]["key"].text()) != queues_.end();
  }
  // Calls `each` with all values of a list that is paged by startAt, of which `first` is the beginning.
  Status all_of(const std::string& target, std::string_view key, Json first, const std::function<void(Json)>& each);
  void add_change(Json history, Ticket& out) const;
  void add_comment(Json comment, Ticket& out) const;

  const std::vector<std::string> queues_;
  std::unique_ptr<TrackerApi> api_;
  bool cloud_ = true;
  std::set<std::string> done_;  // names of states
};

Status Jira::check() {
  SILT_ASSIGN(const ApiAnswer info, api_->get("/rest/api/2/serverInfo"));
  cloud_ = info.json.root()["deploymentType"].text() == "Cloud";
  SILT_TRY(api_->get(base() + "/myself").status());
  SILT_ASSIGN(const ApiAnswer states, api_->get(base() + "/status"));
  for (std::size_t i = 0; i < states.json.root().size(); ++i) {
    const Json state = states.json.root().at(i);
    if (state["statusCategory"]["key"].text() == "done") done_.emplace(state["name"].text());
  }
  return Status::ok();
}

// Times of JQL are in the account's zone, and in minutes. Cloud takes a number, which has no zone; Data Center takes
// a distance from now, by its own clock.
std::string Jira::jql(Mark since) const {
  std::string out;
  if (since > 0 && cloud_) out = "updated >= " + std::to_string(since / 1000);
  if (since > 0 && !cloud_) out = "updated >= \"-" + std::to_string(std::max<Mark>(0, api_->now_us() - since) / kMinuteUs + 1) + "m\"";
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    out += i > 0 ? ", " : out.empty() ? "project in (" : " AND project in (";
    out += json_quoted(queues_[i]) + (i + 1 == queues_.size() ? ")" : "");
  }
  return out + " ORDER BY updated ASC, key ASC";
}

Result<Listing> Jira::list(Mark since, const std::string& next) {
  std::string body = "{\"jql\":" + json_quoted(jql(since)) + ",\"maxResults\":" + std::to_string(kPage) + ",\"fields\":[\"updated\"]";
  if (cloud_) body += next.empty() ? "" : ",\"nextPageToken\":" + json_quoted(next);
  else body += ",\"startAt\":" + (next.empty() ? "0" : next);
  SILT_ASSIGN(const ApiAnswer answer, api_->post(base() + (cloud_ ? "/search/jql" : "/search"), body + "}"));
  const Json root = answer.json.root(), issues = root["issues"];
  if (!issues.is_array()) return data_loss("Jira's list has no issues: check url");
  Listing out;
  out.until = since;
  for (std::size_t i = 0; i < issues.size(); ++i) {
    const std::string updated(issues.at(i)["fields"]["updated"].text());
    const auto mark = parse_timestamp(updated);
    if (!mark) return data_loss("Jira's issue " + issues.at(i)["key"].shown() + " has no time");
    out.refs.push_back({issues.at(i)["id"].shown(), *mark, updated, ""});
    out.until = std::max(out.until, *mark);
    api_->note_stamp(*mark);
  }
  settle(api_->now_us(), kOverlapUs, out);
  if (cloud_) {
    out.next = root["nextPageToken"].text();
    out.more = !root["isLast"].is_true() && !out.next.empty();
  } else {
    const auto end = static_cast<std::int64_t>(issues.size()) + root["startAt"].number();
    out.more = issues.size() > 0 && end < root["total"].number();
    out.next = std::to_string(std::max<std::int64_t>(1, end - static_cast<std::int64_t>(issues.size() / 2)));
  }
  return out;
}

Status Jira::all_of(const std::string& target, std::string_view key, Json first, const std::function<void(Json)>& each) {
  Json list = first[key];
  for (std::size_t i = 0; i < list.size(); ++i) each(list.at(i));
  std::size_t have = list.size();
  std::int64_t total = first["total"].number();
  for (std::size_t page = 0; page < kPagesMax && static_cast<std::int64_t>(have) < total; ++page) {
    SILT_ASSIGN(const ApiAnswer answer, api_->get(target + "?maxResults=100&startAt=" + std::to_string(have)));
    const Json root = answer.json.root();
    const Json more = root[root["values"].is_array() ? "values" : key];
    if (more.size() == 0) break;
    for (std::size_t i = 0; i < more.size(); ++i) each(more.at(i));
    have += more.size();
    total = root["total"].number();
  }
  return Status::ok();
}

void Jira::add_comment(Json comment, Ticket& out) const {
  TicketEvent event;
  event.id = "m" + comment["id"].shown();
  event.kind = "comment";
  event.at_us = parse_timestamp(comment["created"].text()).value_or(0);
  event.author = person(comment["author"]);
  event.text = adf_text(comment["body"]);
  out.events.push_back(std::move(event));
}

void Jira::add_change(Json history, Ticket& out) const {
  static const std::map<std::string_view, std::string_view> kFields = {{"status", "state"}, {"assignee", "owner"}, {"summary", "subject"}, {"project", "queue"}};
  TicketEvent event;
  event.id = "h" + history["id"].shown();
  event.kind = "change";
  event.at_us = parse_timestamp(history["created"].text()).value_or(0);
  event.author = person(history["author"]);
  const Json items = history["items"];
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string_view field = items.at(i)["field"].text();
    const std::string from(items.at(i)["fromString"].text()), to(items.at(i)["toString"].text());
    const auto known = kFields.find(field);
    if (field == "description" || field == "Comment") {
      event.text += event.text.empty() ? std::string(field) + " changed" : "\n" + std::string(field) + " changed";
    } else if (field == "Attachment") {
      event.attachments.push_back(to.empty() ? from + " (removed)" : to);
    } else if (field == "Link") {
      event.links.push_back(to.empty() ? from + " (removed)" : to);
    } else {
      event.changes.push_back({std::string(known == kFields.end() ? field : known->second), from, to});
    }
  }
  out.events.push_back(std::move(event));
}

Result<std::optional<Ticket>> Jira::read(const std::string& id, const Told&) {
  const std::string issue = base() + "/issue/" + url_escape(id);
  const auto answer = api_->get(issue + "?expand=changelog&fields=summary,description,status,priority,assignee,reporter,creator,project,created,issuelinks,attachment,comment");
  if (answer.status().code() == Code::kNotFound) return std::optional<Ticket>();
  SILT_TRY(answer.status());
  const Json root = answer->json.root(), fields = root["fields"];
  if (!fields) return data_loss("Jira's answer has no fields");
  if (!is_read(fields)) return std::optional<Ticket>();
  Ticket ticket;
  ticket.id = id;
  ticket.place = root["key"].text();
  ticket.now = {std::string(fields["summary"].text()), std::string(fields["project"]["name"].text()), std::string(fields["status"]["name"].text()),
                person(fields["assignee"]), std::string(fields["priority"]["name"].text()), person(fields["reporter"])};
  ticket.open = fields["status"]["statusCategory"]["key"].text() != "done";
  TicketEvent created = created_event(fields["created"].text(), person(fields["creator"]), adf_text(fields["description"]));
  const Json attachments = fields["attachment"];
  for (std::size_t i = 0; i < attachments.size(); ++i) created.attachments.emplace_back(attachments.at(i)["filename"].text());
  const Json links = fields["issuelinks"];
  for (std::size_t i = 0; i < links.size(); ++i) {
    const bool outward = static_cast<bool>(links.at(i)["outwardIssue"]);
    created.links.push_back(std::string(links.at(i)["type"][outward ? "outward" : "inward"].text()) + " " +
                            std::string(links.at(i)[outward ? "outwardIssue" : "inwardIssue"]["key"].text()));
  }
  SILT_TRY(all_of(issue + "/comment", "comments", fields["comment"], [&](Json one) { add_comment(one, ticket); }));
  SILT_TRY(all_of(issue + "/changelog", "histories", root["changelog"], [&](Json one) { add_change(one, ticket); }));
  std::stable_sort(ticket.events.begin(), ticket.events.end(), [](const TicketEvent& a, const TicketEvent& b) { return a.at_us < b.at_us; });
  ticket.events.insert(ticket.events.begin(), std::move(created));
  return std::optional(std::move(ticket));
}

Result<std::vector<std::string>> Jira::existing(std::span<const std::string> ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    const auto answer = api_->get(base() + "/issue/" + url_escape(id) + "?fields=project");
    if (answer.status().code() == Code::kNotFound) continue;
    SILT_TRY(answer.status());
    if (is_read(answer->json.root()["fields"])) out.push_back(id);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<TicketSource>> make_jira(const TrackerOptions& options) {
  auto source = std::make_unique<Jira>(options);
  SILT_TRY(source->open(options));
  return std::unique_ptr<TicketSource>(std::move(source));
}

}  // namespace silt::connectors
