// The common part of ticket queues, over a tracker of a few lines: each change once, whatever happens.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "connectors/tickets/ticket_connector.h"
#include "connectors/timestamp.h"
#include "tests/connectors/journal_of.h"

namespace silt::connectors {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

// Its clock counts seconds; it shows pages of three, by time of change and number.
class Tracker {
 public:
  struct Event {
    std::string id, text;
    std::int64_t at_s;
    std::vector<FieldChange> changes;
  };
  struct Issue {
    std::string subject, state = "new";
    std::string queue = "ops";
    std::int64_t updated_s = 0;
    std::vector<Event> events;
  };

  void create(int id, const std::string& subject) {
    const std::lock_guard lock(mutex);
    Issue& issue = issues[id];
    issue.subject = subject;
    issue.updated_s = now_s;
    issue.events.push_back({"c", "", now_s, {}});
  }
  void comment(int id, const std::string& text) {
    const std::lock_guard lock(mutex);
    comment_locked(id, text);
  }
  void comment_locked(int id, const std::string& text) {
    issues[id].events.push_back({"j" + std::to_string(++last_event), text, now_s, {}});
    issues[id].updated_s = now_s;
  }
  void set_state(int id, const std::string& state) {
    const std::lock_guard lock(mutex);
    Issue& issue = issues[id];
    issue.events.push_back({"j" + std::to_string(++last_event), "", now_s, {{"state", issue.state, state}}});
    issue.state = state;
    issue.updated_s = now_s;
  }

  bool is_read(const Issue& issue) const { return queues.empty() || queues.contains(issue.queue); }

  std::mutex mutex;
  std::int64_t now_s = 1'000'000;
  std::map<int, Issue> issues;
  int last_event = 0;
  int reads = 0, lists = 0;
  std::set<std::string> queues;               // that are read; none: all
  std::string refuse;                         // what each call answers with
  int broken = 0;                             // an issue that cannot be read
  std::function<void(Tracker&)> while_paging;  // called behind each page, with the lock
};

class FakeSource final : public TicketSource {
 public:
  explicit FakeSource(Tracker& tracker) : tracker_(tracker) {}

  Status check() override {
    const std::lock_guard lock(tracker_.mutex);
    return tracker_.refuse.empty() ? Status::ok() : Status(Code::kUnauthenticated, tracker_.refuse);
  }
  Result<Listing> list(Mark since, const std::string& next) override {
    const std::lock_guard lock(tracker_.mutex);
    if (!tracker_.refuse.empty()) return unavailable(tracker_.refuse);
    ++tracker_.lists;
    std::vector<std::pair<std::int64_t, int>> all;
    for (const auto& [id, issue] : tracker_.issues) {
      if (tracker_.is_read(issue) && issue.updated_s >= since / kSecond) all.emplace_back(issue.updated_s, id);
    }
    std::sort(all.begin(), all.end());
    const std::size_t offset = next.empty() ? 0 : std::stoul(next);
    Listing out;
    out.until = since;
    out.settled = tracker_.now_s * kSecond - overlap();
    for (std::size_t i = offset; i < all.size() && i < offset + 3; ++i) {
      const Mark mark = all[i].first * kSecond;
      out.refs.push_back({std::to_string(all[i].second), mark, mark < out.settled ? std::to_string(mark) : "", ""});
      out.until = mark;
    }
    out.more = out.refs.size() == 3;
    out.next = std::to_string(offset + 2);
    if (tracker_.while_paging) tracker_.while_paging(tracker_);
    return out;
  }
  Result<std::optional<Ticket>> read(const std::string& id, const Told&) override {
    const std::lock_guard lock(tracker_.mutex);
    ++tracker_.reads;
    if (tracker_.broken == std::stoi(id)) return data_loss("no JSON");
    const auto found = tracker_.issues.find(std::stoi(id));
    if (found == tracker_.issues.end() || !tracker_.is_read(found->second)) return std::optional<Ticket>();
    Ticket ticket;
    ticket.id = id;
    ticket.place = "#" + id;
    ticket.now.subject = found->second.subject;
    ticket.now.state = found->second.state;
    ticket.open = is_open(ticket.now.state);
    for (const Tracker::Event& event : found->second.events) {
      TicketEvent told;
      told.id = event.id;
      told.at_us = event.at_s * kSecond;
      told.kind = event.id == "c" ? "created" : event.changes.empty() ? "comment" : "change";
      told.author = "kim";
      told.text = event.text;
      told.changes = event.changes;
      ticket.events.push_back(told);
    }
    return std::optional(ticket);
  }
  Result<std::vector<std::string>> existing(std::span<const std::string> ids) override {
    const std::lock_guard lock(tracker_.mutex);
    std::vector<std::string> out;
    for (const std::string& id : ids) {
      const auto found = tracker_.issues.find(std::stoi(id));
      if (found != tracker_.issues.end() && tracker_.is_read(found->second)) out.push_back(id);
    }
    return out;
  }
  bool is_open(const std::string& state) const override { return state != "closed"; }
  Mark overlap() const override { return 60 * kSecond; }
  Mark precision() const override { return kSecond; }
  std::size_t existing_max() const override { return 4; }
  std::int64_t pause_ms() const override { return 0; }
  void cancel() override {}

 private:
  Tracker& tracker_;
};

class TicketsTest : public ::testing::Test {
 protected:
  TicketsTest() {
    options.place = "x";
    options.poll_ms = 1;
    options.sweep_ms = 0;
    options.recent_ms = std::int64_t{1} << 40;  // the tracker's times are of long ago
    options.retry_first_ms = options.retry_last_ms = 1;
  }
  ~TicketsTest() override { connector.reset(); }

  void start() {
    connector.reset();
    connector = std::make_unique<TicketConnector>(options, std::make_unique<FakeSource>(tracker), clock);
    journal.resume(*connector);
  }
  // Polls until it is so.
  template <class Condition>
  bool until(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      if (!journal.take(*connector)) std::this_thread::yield();
    }
    return true;
  }
  std::size_t events() {
    const std::lock_guard lock(tracker.mutex);
    std::size_t out = 0;
    for (const auto& [id, issue] : tracker.issues) out += issue.events.size();
    return out;
  }
  void expect_each_once() const {
    for (const auto& [what, times] : journal.told()) EXPECT_EQ(times, 1) << what;
  }

  SystemClock clock;
  Tracker tracker;
  TicketConnectorOptions options;
  Journal journal;
  std::unique_ptr<TicketConnector> connector;
};

TEST_F(TicketsTest, EventsAreRecordsWithWhatTheTicketWasThen) {
  tracker.create(7, "Disk full on db3");
  tracker.now_s += 10;
  tracker.set_state(7, "closed");
  tracker.now_s += 100;
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 2; }));
  const Kept& created = journal.records[0];
  EXPECT_EQ(created.text, "Disk full on db3");
  EXPECT_EQ(created.place, "x:#7/1");
  EXPECT_EQ(created.told_us, 1'000'000 * kSecond);
  EXPECT_EQ(created.attributes.at("state"), "new");
  EXPECT_EQ(created.attributes.at("open"), "yes");
  EXPECT_EQ(created.attributes.at("ticket"), "#7");
  const Kept& closed = journal.records[1];
  EXPECT_EQ(closed.text, "state changed from new to closed");
  EXPECT_EQ(closed.attributes.at("state"), "closed");
  EXPECT_EQ(closed.attributes.at("open"), "no");
  EXPECT_EQ(closed.attributes.at("subject"), "Disk full on db3");
}

TEST_F(TicketsTest, AnEditIsToldInPlaceOfWhatItChangedAndADeletionSaysSo) {
  tracker.create(1, "Login fails");
  tracker.comment(1, "see the proxy");
  tracker.comment(1, "never mind");
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 3; }));
  {
    const std::lock_guard lock(tracker.mutex);
    tracker.issues[1].events[1].text = "see the firewall";  // without a new time: only the sweep sees it
    tracker.issues[1].events.pop_back();
  }
  ASSERT_TRUE(until([&] { return journal.records.size() == 5; }));
  const auto current = journal.current();
  ASSERT_EQ(current.size(), 2u);
  EXPECT_EQ(current.at("x:#1/2").text, "see the firewall");
  EXPECT_EQ(current.at("x:#1/2").attributes.at("version"), "2");
  {
    const std::lock_guard lock(tracker.mutex);
    tracker.issues.clear();
  }
  ASSERT_TRUE(until([&] { return journal.current().empty(); }));
  EXPECT_FALSE(std::any_of(journal.rows.begin(), journal.rows.end(), [](const auto& row) { return row.first.starts_with("t:"); }));
}

TEST_F(TicketsTest, TicketsOfOneSecondFillPagesAndNoneIsLost) {
  for (int i = 1; i <= 20; ++i) tracker.create(i, "bulk " + std::to_string(i));
  tracker.now_s += 200;
  for (int i = 21; i <= 30; ++i) tracker.create(i, "later " + std::to_string(i));
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 30; }));
  expect_each_once();
}

TEST_F(TicketsTest, OneThatIsUpdatedWhilePagingHidesNone) {
  for (int i = 1; i <= 12; ++i) {
    tracker.create(i, "t" + std::to_string(i));
    tracker.now_s += 1;
  }
  tracker.now_s += 500;
  int edits = 0;
  tracker.while_paging = [&](Tracker& at) {
    if (++edits <= 6) at.comment_locked(edits, "moved to the end");  // what was on a page already shifts the next
  };
  start();
  ASSERT_TRUE(until([&] { return edits > 8 && journal.records.size() == events(); }));
  expect_each_once();
}

TEST_F(TicketsTest, WhatWasReadIsNotReadAgainUnlessItChanged) {
  for (int i = 1; i <= 5; ++i) tracker.create(i, "t");
  tracker.now_s += 1000;
  options.sweep_ms = 1'000'000;
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 5; }));
  const auto seen = [&] {
    const std::lock_guard lock(tracker.mutex);
    return tracker.lists;
  };
  const int lists = seen();
  ASSERT_TRUE(until([&] { return seen() > lists + 5; }));
  const std::lock_guard lock(tracker.mutex);
  EXPECT_EQ(tracker.reads, 5);
}

TEST_F(TicketsTest, ARefusalStandsInTheStatusAndEndsWithIt) {
  tracker.create(1, "t");
  tracker.refuse = "the key is not valid: put a new one into /k";
  start();
  ASSERT_TRUE(until([&] { return !connector->stats().last_error.empty(); }));
  EXPECT_EQ(connector->stats().last_error, "the key is not valid: put a new one into /k");
  EXPECT_EQ(connector->stats().lag_ms, -1);
  {
    const std::lock_guard lock(tracker.mutex);
    tracker.refuse.clear();
  }
  ASSERT_TRUE(until([&] { return connector->stats().last_error.empty() && journal.records.size() == 1; }));
  EXPECT_GE(connector->stats().lag_ms, 0);
}

TEST_F(TicketsTest, ATicketThatCannotBeReadStopsNoOther) {
  for (int i = 1; i <= 4; ++i) tracker.create(i, "t" + std::to_string(i));
  tracker.broken = 2;
  tracker.now_s += 1000;
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() == 3; }));
  {
    const std::lock_guard lock(tracker.mutex);
    tracker.broken = 0;
  }
  ASSERT_TRUE(until([&] { return journal.records.size() == 4; }));
  expect_each_once();
}

// A start with another choice of queues finds old tickets of those that were added, and says of those that were
// taken away that they are gone; what is read as before is not told again.
TEST_F(TicketsTest, AnotherChoiceOfQueuesIsTakenWithTheNextStart) {
  for (int i = 1; i <= 12; ++i) {
    tracker.create(i, "t" + std::to_string(i));
    tracker.issues[i].queue = i % 3 == 0 ? "ops" : i % 3 == 1 ? "web" : "db";
    tracker.now_s += 100;
  }
  options.sweep_ms = 1'000'000;
  const auto read = [&](std::set<std::string> queues) {
    connector.reset();
    tracker.queues = std::move(queues);
    options.scope.clear();
    for (const std::string& queue : tracker.queues) options.scope += queue + "\n";
    start();
  };
  const auto tickets = [&] {
    std::set<std::string> out;
    for (const auto& [place, kept] : journal.current()) out.insert(place);
    return out;
  };
  read({"ops", "web"});
  ASSERT_TRUE(until([&] { return tickets().size() == 8; }));
  read({"db", "ops"});
  const std::set<std::string> ops_and_db = {"x:#2/1", "x:#3/1", "x:#5/1", "x:#6/1", "x:#8/1", "x:#9/1", "x:#11/1", "x:#12/1"};
  ASSERT_TRUE(until([&] { return tickets() == ops_and_db; }));
  EXPECT_EQ(journal.told().at("x:#3/1 v1"), 1) << "ops was read before";
  read({});
  ASSERT_TRUE(until([&] { return tickets().size() == 12; }));
}

// Killed at any poll, whether that was stored or not, while people go on writing.
TEST_F(TicketsTest, EachChangeOnceOverManyDeaths) {
  std::mt19937 random(7);
  options.sweep_ms = 1'000'000;
  options.inbox.bytes_max = 64 << 10;  // so that the tracker's thread has to wait, too
  for (int i = 1; i <= 30; ++i) tracker.create(i, "ticket " + std::to_string(i));
  for (int life = 0; life < 40; ++life) {
    start();
    const int polls = static_cast<int>(random() % 20);
    for (int i = 0; i < polls; ++i) {
      const int id = 1 + static_cast<int>(random() % 30);
      {
        const std::lock_guard lock(tracker.mutex);
        tracker.now_s += static_cast<std::int64_t>(random() % 3);
      }
      if (random() % 4 == 0) tracker.set_state(id, random() % 2 == 0 ? "closed" : "open");
      else tracker.comment(id, "comment " + std::to_string(life) + "/" + std::to_string(i));
      journal.take(*connector, random() % 5 != 0);
      std::this_thread::yield();
    }
  }
  start();
  ASSERT_TRUE(until([&] { return journal.records.size() >= events(); })) << journal.records.size() << " of " << events();
  expect_each_once();
  EXPECT_EQ(journal.records.size(), events());
}

TEST(TicketTime, ReadsTheFormsOfAllTrackers) {
  EXPECT_EQ(parse_timestamp("2026-11-21T18:54:31Z"), 1'795'287'271'000'000);
  EXPECT_EQ(parse_timestamp("2026-11-21T20:54:31.250+0200"), 1'795'287'271'250'000);
  EXPECT_EQ(parse_timestamp("2026-11-21T13:54:31-05:00"), 1'795'287'271'000'000);
  EXPECT_EQ(parse_timestamp("2026-11-21 18:54:31"), 1'795'287'271'000'000);
  EXPECT_EQ(ticket_time(1'795'287'271'000'000), "2026-11-21T18:54:31Z");
  for (const std::string_view bad : {"", "2026", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21T18:54:31+2", "yesterday"})
    EXPECT_FALSE(parse_timestamp(bad)) << bad;
}

}  // namespace
}  // namespace silt::connectors
