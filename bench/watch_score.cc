// watch_score: how good alerts are on a labelled set, as labelled_sets.py writes it: silt's, beside two simple rules.
//
//   watch_score [--by-identifier] [--show] < SET
//
// Records go through the real fold and the real watch. Each rule makes changes of them; changes become incidents, as the
// daemon's board makes them, or, by identifier, those about one identifier are one. Of a day of the log's own clock the
// incidents of the highest scores are alerts, as many as the budget says. An alert shows its five most telling changes: it is right when
// one of their records is evidence of a labelled incident, and finds those that they are evidence of.
#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fold/miner.h"
#include "daemon/fold/timestamp.h"
#include "daemon/watch/board.h"
#include "daemon/watch/glance.h"
#include "daemon/watch/source_watch.h"

namespace silt {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;
constexpr std::size_t kShown = 5;
constexpr std::size_t kBudgets[] = {3, 5, 10, 20, 50, 200};

struct Line {
  std::string source, incident, text;
};

struct Alert {
  double score = 0;
  std::int64_t time_us = 0;
  std::vector<watch::Change> changes;
};

using Changes = std::vector<watch::Change>;

// 2 for words of what stops a program, 1 for others of failure: what a grep finds.
int severity_words(std::string_view text) {
  static constexpr std::string_view kFatal[] = {"fatal", "panic", "critical", "emerg", "alert", "severe"};
  static constexpr std::string_view kError[] = {"err", "error", "errors", "fail", "fails", "failed", "failure", "failures",
                                                "exception", "crash", "crashed"};
  int found = 0;
  std::string word;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const char c = at < text.size() ? static_cast<char>(text[at] | 0x20) : ' ';
    if (c >= 'a' && c <= 'z') {
      word += c;
      continue;
    }
    if (std::find(std::begin(kFatal), std::end(kFatal), word) != std::end(kFatal)) return 2;
    if (std::find(std::begin(kError), std::end(kError), word) != std::end(kError)) found = 1;
    word.clear();
  }
  return found;
}

// A source's way through fold and watch.
class Source {
 public:
  Source(std::uint32_t number, bool by_id) : ref_{store::TenantId{1}, store::SourceId{number}}, by_id_(by_id), watch_(ref_) {}

  void take(const std::string& text, store::Seq seq, Changes& ours, Changes& severity) {
    fold::scan_line(text, scanned_);
    if (scanned_.time) time_us_ = fold::resolve_time(*scanned_.time, kArrivalUs, 0, time_us_).value_or(time_us_);
    const fold::Folded folded = miner_.fold(scanned_, seq, time_us_);
    const watch::Glance glance = watch::glance(text);
    watch_.take({seq, time_us_, folded.pattern, folded.is_new, glance.trouble, glance.identifier},
                [&](const watch::Change& change) { ours.push_back(change); });
    const int words = severity_words(text);
    if (words == 0) return;
    std::int64_t& last_us = said_us_[by_id_ ? glance.identifier : folded.pattern];
    const bool again = last_us != 0 && time_us_ - last_us < 3'600'000'000;  // as ours, not said again for an hour
    last_us = time_us_;
    if (again) return;
    severity.push_back({watch::Kind::kSeverity, ref_, folded.pattern, time_us_, seq, 0, 0, static_cast<double>(words)});
  }

 private:
  static constexpr std::int64_t kArrivalUs = 1'893'456'000'000'000;  // 2030: whatever the set says is before
  const store::SourceRef ref_;
  const bool by_id_;
  fold::Miner miner_;
  fold::ScannedLine scanned_;
  watch::SourceWatch watch_;
  std::int64_t time_us_ = 0;
  std::map<std::uint64_t, std::int64_t> said_us_;
};

std::vector<Alert> by_time(const Changes& changes) {
  // The board keeps the newest only: it is read as it grows.
  watch::Board board("score");
  std::map<std::uint64_t, Alert> alerts;
  std::string token = board.since({}, false, [](store::SourceRef) { return true; })->token;
  for (const watch::Change& change : changes) {
    board.add(change);
    const auto news = board.since(token, false, [](store::SourceRef) { return true; });
    token = news->token;
    for (const watch::Incident& incident : news->incidents) {
      Alert& alert = alerts[incident.number];
      alert.score = incident.score;
      alert.time_us = incident.cause.time_us;
      alert.changes.insert(alert.changes.end(), incident.changes.begin(), incident.changes.end());
    }
  }
  std::vector<Alert> out;
  for (auto& [number, alert] : alerts) out.push_back(std::move(alert));
  return out;
}

std::vector<Alert> by_identifier(const Changes& changes, const std::vector<Line>& lines) {
  std::map<std::string_view, Alert> alerts;
  for (const watch::Change& change : changes) {
    Alert& alert = alerts[watch::identifier_in(lines[change.seq - 1].text)];
    if (alert.changes.empty()) alert.time_us = change.time_us;
    alert.score = std::max(alert.score, change.score);
    alert.changes.push_back(change);
  }
  std::vector<Alert> out;
  for (auto& [identifier, alert] : alerts) out.push_back(std::move(alert));
  return out;
}

// The best first; what scores the same, as it came.
void sort_by_score(std::vector<Alert>& alerts) {
  for (Alert& alert : alerts) alert.changes = watch::most_telling(std::move(alert.changes), kShown);
  std::stable_sort(alerts.begin(), alerts.end(), [](const Alert& a, const Alert& b) { return a.time_us < b.time_us; });
  std::stable_sort(alerts.begin(), alerts.end(), [](const Alert& a, const Alert& b) { return a.score > b.score; });
}

void print_row(const char* rule, std::size_t budget, const std::vector<Alert>& alerts, const std::vector<Line>& lines,
               std::size_t labelled, bool show) {
  std::map<std::int64_t, std::size_t> days;
  std::set<std::string> found;
  std::size_t said = 0, right = 0;
  for (const Alert& alert : alerts) {
    if (++days[alert.time_us / kDayUs] > budget) continue;
    ++said;
    std::set<std::string> evidence;
    for (std::size_t i = 0; i < alert.changes.size(); ++i) {
      const watch::Change& change = alert.changes[i];
      const Line& line = lines[change.seq - 1];
      if (show) std::printf("  %zu %.2f %s %s[%s] %.150s\n", said, change.score, std::string(watch::kind_name(change.kind)).c_str(), line.source.c_str(), line.incident.c_str(), line.text.c_str());
      if (!line.incident.empty()) evidence.insert(line.incident);
    }
    right += evidence.empty() ? 0 : 1;
    found.merge(evidence);
  }
  const double precision = said == 0 ? 0 : static_cast<double>(right) / static_cast<double>(said);
  const double recall = static_cast<double>(found.size()) / static_cast<double>(std::max<std::size_t>(labelled, 1));
  const double f1 = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
  std::printf("%-15s %6zu %6zu %9.2f %6.2f %6.3f\n", rule, budget, said, precision, recall, f1);
}

int run(bool by_id, bool show) {
  std::vector<Line> lines;
  std::set<std::string> labelled;
  std::map<std::string, std::unique_ptr<Source>> sources;
  Changes ours, severity, fresh;
  for (std::string row; std::getline(std::cin, row);) {
    const std::size_t first = row.find('\t'), second = row.find('\t', first == std::string::npos ? first : first + 1);
    if (second == std::string::npos) {
      std::fprintf(stderr, "watch_score: line %zu is not 'source TAB incident TAB text': labelled_sets.py writes such\n", lines.size() + 1);
      return 2;
    }
    lines.push_back({row.substr(0, first), row.substr(first + 1, second - first - 1), row.substr(second + 1)});
    const Line& line = lines.back();
    if (!line.incident.empty()) labelled.insert(line.incident);
    auto& source = sources[line.source];
    if (!source) source = std::make_unique<Source>(static_cast<std::uint32_t>(sources.size()), by_id);
    source->take(line.text, lines.size(), ours, severity);
  }
  std::erase_if(ours, [](const watch::Change& change) { return change.seq == 0; });
  for (const watch::Change& change : ours)
    if (change.kind == watch::Kind::kNewPattern) fresh.push_back(change);
  std::printf("%zu records of %zu sources, %zu labelled incidents\n%-15s %6s %6s %9s %6s %6s\n", lines.size(), sources.size(),
              labelled.size(), "rule", "a day", "alerts", "precision", "recall", "F1");
  const std::array<std::pair<const char*, const Changes*>, 3> rules = {{{"severity words", &severity}, {"new pattern", &fresh}, {"silt", &ours}}};
  for (const auto& [rule, changes] : rules) {
    std::vector<Alert> alerts = by_id ? by_identifier(*changes, lines) : by_time(*changes);
    if (changes == &ours) std::erase_if(alerts, [](const Alert& alert) { return alert.score < watch::kAlertScore; });
    sort_by_score(alerts);
    for (const std::size_t budget : kBudgets) print_row(rule, budget, alerts, lines, labelled.size(), show && changes == &ours && budget == 50);
  }
  return 0;
}

}  // namespace
}  // namespace silt

int main(int argc, char** argv) {
  bool by_id = false, show = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    by_id = by_id || option == "--by-identifier";
    show = show || option == "--show";
    if (option != "--by-identifier" && option != "--show") {
      std::fprintf(stderr, "usage: watch_score [--by-identifier] [--show] < SET, as labelled_sets.py writes it\n");
      return 2;
    }
  }
  return silt::run(by_id, show);
}
