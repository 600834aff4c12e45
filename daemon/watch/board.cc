#include "daemon/watch/board.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace silt::watch {

std::vector<Change> most_telling(std::vector<Change> changes, std::size_t max) {
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.score > b.score; });
  std::set<std::tuple<Kind, store::SourceRef, store::PatternId>> seen;
  std::stable_partition(changes.begin(), changes.end(), [&seen](const Change& change) {
    return seen.emplace(change.kind, change.source, change.pattern).second;
  });
  if (changes.size() > max) changes.resize(max);
  return changes;
}

std::uint64_t Board::add(const Change& change) {
  const std::lock_guard lock(mutex_);
  // The newest incident of its tenant, if that is still going on.
  auto open = std::find_if(incidents_.rbegin(), incidents_.rend(), [&](const auto& entry) { return entry.second.cause.source.tenant == change.source.tenant; });
  const bool together = open != incidents_.rend() && change.time_us <= open->second.last_us + kTogetherUs &&
                        change.time_us >= open->second.cause.time_us - kTogetherUs &&
                        change.time_us < open->second.cause.time_us + kIncidentUs;
  const std::uint64_t number = next_++;
  Incident& incident = together ? open->second : incidents_[number];
  if (!together) {
    incident.number = number;
    incident.cause = change;
  }
  incident.last_us = std::max(incident.last_us, change.time_us);
  incident.sources.insert(change.source);
  ++incident.changes_total;
  incident.score = std::max(incident.score, change.score);
  entries_.push_back({incident.number, change});
  const std::uint64_t became = incident.number;
  if (entries_.size() <= kChangesMax) return became;
  const std::uint64_t gone = entries_.front().incident;
  entries_.pop_front();
  const bool needed = std::any_of(entries_.begin(), entries_.end(), [gone](const Entry& entry) { return entry.incident == gone; });
  if (!needed) incidents_.erase(gone);
  return became;
}

Result<Incident> Board::incident(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = incidents_.find(number);
  if (found == incidents_.end()) return not_found("there is no incident " + std::to_string(number) + " that is still known");
  Incident out = found->second;
  for (const Entry& entry : entries_) {
    if (entry.incident == number) out.changes.push_back(entry.change);
  }
  return out;
}

Result<News> Board::since(const std::string& token, bool recent, const std::function<bool(store::SourceRef)>& wanted) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t oldest = next_ - entries_.size();
  std::uint64_t from = recent ? oldest : next_;
  News news;
  if (!token.empty()) {
    const std::size_t dot = std::min(token.rfind('.'), token.size());
    const char* const end = token.data() + token.size();
    const char* const begin = std::min(token.data() + dot + 1, end);
    const auto [stop, failed] = std::from_chars(begin, end, from);
    if (failed != std::errc() || stop != end) return invalid_argument("'" + token + "' is no token of Watch: use that of the last reply, or none");
    const bool other = token.substr(0, dot) != name_;
    news.missed = other || from < oldest;
    if (news.missed || from > next_) from = oldest;
  }
  std::map<std::uint64_t, Incident> found;
  std::size_t taken = 0;
  std::uint64_t number = from;
  for (; number < next_ && taken < kReplyMax; ++number) {
    const Entry& entry = entries_[static_cast<std::size_t>(number - oldest)];
    if (!wanted(entry.change.source)) continue;
    Incident& incident = found.try_emplace(entry.incident, incidents_.at(entry.incident)).first->second;
    incident.changes.push_back(entry.change);
    ++taken;
  }
  for (auto& [first, incident] : found) news.incidents.push_back(std::move(incident));
  news.token = name_ + "." + std::to_string(number);
  news.more = number < next_;
  return news;
}

}  // namespace silt::watch
