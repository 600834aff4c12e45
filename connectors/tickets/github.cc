#include "connectors/tickets/github.h"

#include <algorithm>
#include <map>

#include "connectors/timestamp.h"

namespace silt::connectors {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kOverlapUs = 60 * kSecondUs;
constexpr std::size_t kPagesMax = 1000;

// The target of rel="next" in a Link header; the client refuses one of another site.
std::string next_of(const HttpResponse& response) {
  const std::string_view link = response.header("link");
  const std::size_t rel = link.find("rel=\"next\"");
  if (rel == std::string_view::npos) return {};
  const std::size_t open = link.rfind('<', rel), close = link.find('>', open);
  return open == std::string_view::npos || close > rel ? std::string() : std::string(link.substr(open + 1, close - open - 1));
}

class GitHub final : public TicketSource {
 public:
  explicit GitHub(const TrackerOptions& options) : repository_(options.queues.front()) {
    const std::size_t slash = repository_.find('/');
    base_ = "/repos/" + url_escape(std::string_view(repository_).substr(0, slash)) + "/" + url_escape(std::string_view(repository_).substr(slash + 1));
  }

  Status open(const TrackerOptions& options) {
    SILT_ASSIGN(api_, TrackerApi::create(options, [](const std::string& token) { return "Authorization: Bearer " + token; }));
    return Status::ok();
  }

  Status check() override { return get(base_).status(); }
  Result<Listing> list(Mark since, const std::string& next) override;
  Result<std::optional<Ticket>> read(const std::string& id, const Told& told) override;
  Result<std::vector<std::string>> existing(std::span<const std::string> ids) override;
  bool is_open(const std::string& state) const override { return state != "closed"; }
  Mark overlap() const override { return kOverlapUs; }
  Mark precision() const override { return kSecondUs; }
  std::size_t existing_max() const override { return 10; }
  std::int64_t pause_ms() const override { return api_->pause_ms(); }
  void cancel() override { api_->cancel(); }

 private:
  Result<ApiAnswer> get(const std::string& target, const std::string& etag = {});
  Status all_of(std::string target, const std::function<void(Json)>& each);
  bool is_here(Json issue, const std::string& id) const;

  std::string repository_, base_;
  std::unique_ptr<TrackerApi> api_;
  std::string etag_, etag_of_;  // of a whole list that had no second page
};

Result<ApiAnswer> GitHub::get(const std::string& target, const std::string& etag) {
  std::vector<std::string> headers = {"X-GitHub-Api-Version: 2022-11-28"};
  if (!etag.empty()) headers.push_back("If-None-Match: " + etag);
  return api_->get(target, std::move(headers));
}

Result<Listing> GitHub::list(Mark since, const std::string& next) {
  const std::string first = base_ + "/issues?state=all&sort=updated&direction=asc&per_page=100&since=" + url_escape(ticket_time(since));
  SILT_ASSIGN(const ApiAnswer answer, get(next.empty() ? first : next, next.empty() && etag_of_ == first ? etag_ : ""));
  Listing out;
  out.until = since;
  settle(api_->now_us(), kOverlapUs, out);
  if (answer.http.status == 304) return out;  // as it was: and that was settled
  const Json issues = answer.json.root();
  if (!issues.is_array()) return data_loss("GitHub's list is none: check url");
  for (std::size_t i = 0; i < issues.size(); ++i) {
    const std::string updated(issues.at(i)["updated_at"].text());
    const auto mark = parse_timestamp(updated);
    if (!mark) return data_loss("GitHub's issue " + issues.at(i)["number"].shown() + " has no time");
    out.until = std::max(out.until, *mark);
    api_->note_stamp(*mark);
    if (!issues.at(i)["pull_request"]) out.refs.push_back({issues.at(i)["number"].shown(), *mark, updated, ""});
  }
  settle(api_->now_us(), kOverlapUs, out);
  out.next = next_of(answer.http);
  out.more = !out.next.empty();
  etag_of_ = out.until < out.settled && !out.more && next.empty() ? first : std::string();
  etag_ = answer.http.header("etag");
  return out;
}

Status GitHub::all_of(std::string target, const std::function<void(Json)>& each) {
  for (std::size_t page = 0; page < kPagesMax && !target.empty(); ++page) {
    SILT_ASSIGN(const ApiAnswer answer, get(target));
    for (std::size_t i = 0; i < answer.json.root().size(); ++i) each(answer.json.root().at(i));
    target = next_of(answer.http);
  }
  return Status::ok();
}

// Not one that a redirect led to: it was moved to another repository.
bool GitHub::is_here(Json issue, const std::string& id) const {
  const std::string_view repository = issue["repository_url"].text();
  return issue["number"].shown() == id && (repository.empty() || repository.ends_with("/" + repository_));
}

TicketEvent comment_of(Json comment) {
  TicketEvent event;
  event.id = "m" + comment["id"].shown();
  event.kind = "comment";
  event.at_us = parse_timestamp(comment["created_at"].text()).value_or(0);
  event.author = comment["user"]["login"].text();
  event.text = comment["body"].text();
  return event;
}

TicketEvent change_of(Json change) {
  TicketEvent event;
  event.id = "e" + change["id"].shown();
  event.at_us = parse_timestamp(change["created_at"].text()).value_or(0);
  event.author = change["actor"]["login"].text();
  const std::string_view what = change["event"].text();
  const std::string assignee(change["assignee"]["login"].text());
  if (what == "closed") event.changes.push_back({"state", "open", "closed"});
  else if (what == "reopened") event.changes.push_back({"state", "closed", "open"});
  else if (what == "assigned") event.changes.push_back({"owner", "", assignee});
  else if (what == "unassigned") event.changes.push_back({"owner", assignee, ""});
  else if (what == "renamed") event.changes.push_back({"subject", change["rename"]["from"].shown(), change["rename"]["to"].shown()});
  else if (what == "labeled") event.changes.push_back({"label", "", change["label"]["name"].shown()});
  else if (what == "unlabeled") event.changes.push_back({"label", change["label"]["name"].shown(), ""});
  event.kind = event.changes.empty() ? "" : "change";
  return event;
}

Result<std::optional<Ticket>> GitHub::read(const std::string& id, const Told&) {
  const auto answer = get(base_ + "/issues/" + id);
  if (answer.status().code() == Code::kNotFound) return std::optional<Ticket>();
  SILT_TRY(answer.status());
  const Json issue = answer->json.root();
  if (!issue["number"]) return data_loss("GitHub's answer has no issue");
  if (!is_here(issue, id)) return std::optional<Ticket>();
  Ticket ticket;
  ticket.id = id;
  ticket.place = repository_ + "#" + id;
  ticket.now = {std::string(issue["title"].text()), repository_, std::string(issue["state"].text()), std::string(issue["assignee"]["login"].text()), "", std::string(issue["user"]["login"].text())};
  ticket.open = is_open(ticket.now.state);
  TicketEvent created = created_event(issue["created_at"].text(), ticket.now.reporter, std::string(issue["body"].text()));
  if (issue["comments"].number() > 0)
    SILT_TRY(all_of(base_ + "/issues/" + id + "/comments?per_page=100", [&](Json one) { ticket.events.push_back(comment_of(one)); }));
  SILT_TRY(all_of(base_ + "/issues/" + id + "/events?per_page=100", [&](Json one) { ticket.events.push_back(change_of(one)); }));
  std::stable_sort(ticket.events.begin(), ticket.events.end(), [](const TicketEvent& a, const TicketEvent& b) { return a.at_us < b.at_us; });
  ticket.events.insert(ticket.events.begin(), std::move(created));
  return std::optional(std::move(ticket));
}

Result<std::vector<std::string>> GitHub::existing(std::span<const std::string> ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    const auto answer = get(base_ + "/issues/" + id);
    if (answer.status().code() == Code::kNotFound) continue;
    SILT_TRY(answer.status());
    if (is_here(answer->json.root(), id)) out.push_back(id);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<TicketSource>> make_github(const TrackerOptions& options) {
  if (options.queues.size() != 1 || options.queues[0].find('/') == std::string::npos)
    return invalid_argument("queues must name one repository, [\"owner/name\"]");
  auto source = std::make_unique<GitHub>(options);
  SILT_TRY(source->open(options));
  return std::unique_ptr<TicketSource>(std::move(source));
}

}  // namespace silt::connectors
