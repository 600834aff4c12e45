// The inbox: acknowledged after the append, full, not confirmed, repeated, restarted, from threads.
#include "connectors/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

namespace silt::connectors {
namespace {

Delivery delivery_of(const std::string& stream, const std::vector<std::string>& lines, std::string id = {}) {
  Delivery delivery;
  delivery.stream = stream;
  delivery.id = std::move(id);
  for (const std::string& line : lines) {
    Record record;
    record.text = delivery.arena.copy(line);
    record.origin.place = delivery.arena.copy("peer:1");
    delivery.records.push_back(record);
  }
  return delivery;
}

class InboxTest : public ::testing::Test {
 protected:
  InboxTest() { restart(); }

  void restart() {
    inbox.reset();
    inbox = std::make_unique<Inbox>(options);
    std::vector<CursorRow> rows;
    for (const auto& [key, value] : journal_rows) rows.push_back({key, value, false});
    ASSERT_TRUE(inbox->resume(rows).is_ok());
  }
  // What became of the delivery is noted under `name`.
  Inbox::Answer offer(Delivery delivery, const std::string& name) {
    return inbox->offer(std::move(delivery), [this, name](const Status& status) {
      EXPECT_TRUE(outcomes.emplace(name, status.code()).second) << name << " was ended twice";
    });
  }
  void store(const Batch& batch) {
    for (const StreamBatch& stream : batch.streams) {
      for (const Record& record : stream.records)
        journal.push_back(stream.stream + ":" + std::string(record.text));
    }
    for (const CursorRow& row : batch.cursors) {
      if (row.deleted) {
        journal_rows.erase(row.key);
      } else {
        journal_rows[row.key] = row.value;
      }
    }
  }
  bool poll_and_store() {
    Batch batch;
    const Result<bool> more = inbox->poll(limits, batch);
    EXPECT_TRUE(more.is_ok());
    store(batch);
    inbox->confirm();
    return *more;
  }

  InboxOptions options;
  ReadLimits limits;
  std::unique_ptr<Inbox> inbox;
  std::map<std::string, Code> outcomes;
  std::vector<std::string> journal;
  std::map<std::string, std::string> journal_rows;
};

// A producer's own rows are stored with its records, also alone.
TEST_F(InboxTest, RowsOfTheProducerGoWithItsRecords) {
  Delivery with = delivery_of("s", {"a"});
  with.rows = {{"t:1", "one", false}};
  offer(std::move(with), "with");
  Delivery alone;
  alone.rows = {{"mark", "7", false}, {"t:0", "", true}};
  journal_rows["t:0"] = "old";
  offer(std::move(alone), "alone");
  while (poll_and_store()) {
  }
  EXPECT_EQ(journal, std::vector<std::string>{"s:a"});
  EXPECT_EQ(journal_rows, (std::map<std::string, std::string>{{"mark", "7"}, {"t:1", "one"}}));
  EXPECT_EQ(outcomes.at("alone"), Code::kOk);
}

TEST_F(InboxTest, IsAcknowledgedAfterTheAppendOnly) {
  EXPECT_EQ(offer(delivery_of("a", {"1", "2"}), "first"), Inbox::Answer::kTaken);
  EXPECT_EQ(offer(delivery_of("b", {"3"}), "second"), Inbox::Answer::kTaken);
  EXPECT_EQ(offer(delivery_of("a", {"4"}), "third"), Inbox::Answer::kTaken);
  Batch batch;
  EXPECT_FALSE(inbox->poll(limits, batch).value());
  EXPECT_TRUE(outcomes.empty());
  ASSERT_EQ(batch.streams.size(), 2u);
  EXPECT_EQ(batch.records, 4u);
  EXPECT_TRUE(batch.cursors.empty()) << "no ids, no rows";
  store(batch);
  inbox->confirm();
  EXPECT_EQ(outcomes,
            (std::map<std::string, Code>{{"first", Code::kOk}, {"second", Code::kOk}, {"third", Code::kOk}}));
  EXPECT_EQ(journal, (std::vector<std::string>{"a:1", "a:2", "a:4", "b:3"}));
  EXPECT_EQ(inbox->stats().bytes_read, 4u);
  EXPECT_EQ(inbox->stats().backlog_bytes, 0u);
  EXPECT_EQ(batch.streams[1].records[0].text, "3") << "the batch owns what it shows";
}

TEST_F(InboxTest, AnUnconfirmedBatchIsOfferedAgainAndInOrder) {
  limits.batch_records_max = 2;
  for (int i = 0; i < 5; ++i) offer(delivery_of("a", {std::to_string(i)}), std::to_string(i));
  for (int i = 0; i < 3; ++i) {
    Batch refused;
    EXPECT_TRUE(inbox->poll(limits, refused).value());
    EXPECT_EQ(refused.records, 2u);
    EXPECT_EQ(refused.streams[0].records[0].text, "0");
  }
  EXPECT_TRUE(outcomes.empty());
  while (poll_and_store()) {
  }
  EXPECT_EQ(journal, (std::vector<std::string>{"a:0", "a:1", "a:2", "a:3", "a:4"}));
  EXPECT_EQ(outcomes.size(), 5u);
}

TEST_F(InboxTest, ADeliveryIsNeverDivided) {
  limits.batch_records_max = 4;
  offer(delivery_of("a", {"1", "2", "3"}), "first");
  offer(delivery_of("b", {"4", "5"}), "second");
  offer(delivery_of("c", {"6", "7", "8", "9", "10", "11"}), "third");
  for (const std::uint64_t records : {3u, 2u, 6u}) {
    Batch batch;
    ASSERT_TRUE(inbox->poll(limits, batch).is_ok());
    EXPECT_EQ(batch.records, records);
    inbox->confirm();
  }
}

TEST_F(InboxTest, FullIsSaidAtOnceAndRoomIsTold) {
  options.bytes_max = 8000;
  restart();
  int taken = 0;
  while (offer(delivery_of("a", {std::string(100, 'x')}), std::to_string(taken)) == Inbox::Answer::kTaken)
    ++taken;
  EXPECT_GE(taken, 3);
  EXPECT_LE(inbox->stats().backlog_bytes, options.bytes_max);
  EXPECT_EQ(inbox->stats().refused, 1u);
  Delivery refused = delivery_of("a", {std::string(100, 'y')});
  Inbox::Done done = [](const Status&) {};
  EXPECT_EQ(inbox->offer(std::move(refused), std::move(done)), Inbox::Answer::kFull);
  EXPECT_EQ(refused.records.size(), 1u) << "still the caller's";
  EXPECT_TRUE(done);
  int rooms = 0;
  inbox->when_room([&] { ++rooms; });
  EXPECT_EQ(rooms, 0);
  poll_and_store();
  EXPECT_EQ(rooms, 1);
  EXPECT_EQ(inbox->offer(std::move(refused), std::move(done)), Inbox::Answer::kTaken);
  inbox->when_room([&] { ++rooms; });
  EXPECT_EQ(rooms, 2) << "at once";
  EXPECT_EQ(offer(delivery_of("a", {std::string(9000, 'z')}), "big"), Inbox::Answer::kTooLarge);
  EXPECT_EQ(offer(delivery_of("a", {"1"}, std::string(257, 'i')), "id"), Inbox::Answer::kTooLarge);
  EXPECT_FALSE(outcomes.contains("big"));
}

TEST_F(InboxTest, ARepeatedDeliveryIsAcknowledgedAndStoredOnce) {
  offer(delivery_of("a", {"1"}, "id-1"), "first");
  offer(delivery_of("a", {"1"}, "id-1"), "while it is queued");
  offer(delivery_of("b", {"1"}, "id-1"), "another stream");
  Batch batch;
  ASSERT_TRUE(inbox->poll(limits, batch).is_ok());
  offer(delivery_of("a", {"1"}, "id-1"), "while it is being stored");
  EXPECT_TRUE(outcomes.empty());
  store(batch);
  inbox->confirm();
  EXPECT_EQ(outcomes.size(), 4u);
  offer(delivery_of("a", {"1"}, "id-1"), "after it");
  EXPECT_EQ(outcomes["after it"], Code::kOk) << "at once";
  restart();
  offer(delivery_of("a", {"1"}, "id-1"), "after a restart");
  EXPECT_EQ(outcomes["after a restart"], Code::kOk);
  poll_and_store();
  EXPECT_EQ(journal, (std::vector<std::string>{"a:1", "b:1"}));
  EXPECT_EQ(inbox->stats().repeated, 1u);
}

TEST_F(InboxTest, WhatWasNotStoredBeforeACrashIsNoRepetition) {
  offer(delivery_of("a", {"1"}, "id-1"), "first");
  Batch lost;
  ASSERT_TRUE(inbox->poll(limits, lost).is_ok());
  restart();
  EXPECT_EQ(outcomes["first"], Code::kUnavailable);
  offer(delivery_of("a", {"1"}, "id-1"), "again");
  poll_and_store();
  EXPECT_EQ(journal, std::vector<std::string>{"a:1"});
  EXPECT_EQ(outcomes["again"], Code::kOk);
}

TEST_F(InboxTest, TheLastIdsAreKnownAndRowsStayFew) {
  options.ids_max = 10;
  restart();
  for (int i = 0; i < 100; ++i) {
    const std::string id = std::to_string(i);
    offer(delivery_of("a", {id}, id), id);
    poll_and_store();
    EXPECT_LE(journal_rows.size(), 11u);
  }
  restart();
  for (int i = 90; i < 100; ++i)
    offer(delivery_of("a", {"again"}, std::to_string(i)), "again " + std::to_string(i));
  offer(delivery_of("a", {"forgotten"}, "5"), "forgotten");
  poll_and_store();
  EXPECT_EQ(journal.size(), 101u);
  EXPECT_EQ(journal.back(), "a:forgotten");
  EXPECT_EQ(outcomes.size(), 111u);
}

TEST_F(InboxTest, StoppingEndsWhatIsPending) {
  offer(delivery_of("a", {"1"}, "id-1"), "in the batch");
  Batch batch;
  ASSERT_TRUE(inbox->poll(limits, batch).is_ok());
  offer(delivery_of("a", {"2"}), "queued");
  int rooms = 0;
  inbox->stop();
  EXPECT_EQ(outcomes, (std::map<std::string, Code>{{"in the batch", Code::kUnavailable},
                                                   {"queued", Code::kUnavailable}}));
  EXPECT_EQ(offer(delivery_of("a", {"3"}), "late"), Inbox::Answer::kStopped);
  inbox->when_room([&] { ++rooms; });
  EXPECT_EQ(rooms, 1) << "nobody waits for ever";
  store(batch);
  inbox->confirm();  // it was stored after all
  restart();
  offer(delivery_of("a", {"1"}, "id-1"), "again");
  poll_and_store();
  EXPECT_EQ(journal, std::vector<std::string>{"a:1"});
}

TEST_F(InboxTest, NothingIsTakenBeforeTheKnownIdsAre) {
  inbox = std::make_unique<Inbox>(options);
  EXPECT_EQ(offer(delivery_of("a", {"1"}, "id-1"), "early"), Inbox::Answer::kFull);
  int rooms = 0;
  inbox->when_room([&] { ++rooms; });
  ASSERT_TRUE(inbox->resume({}).is_ok());
  EXPECT_EQ(rooms, 1);
  EXPECT_EQ(offer(delivery_of("a", {"1"}, "id-1"), "early"), Inbox::Answer::kTaken);
}

TEST_F(InboxTest, DamagedRowsAreRefused) {
  offer(delivery_of("a", {"1"}, "id-1"), "first");
  poll_and_store();
  ASSERT_EQ(journal_rows.size(), 1u);
  const auto [key, value] = *journal_rows.begin();
  for (std::size_t cut = 0; cut < value.size(); ++cut) {
    Inbox fresh(options);
    const std::vector<CursorRow> rows = {{key, value.substr(0, cut), false}};
    EXPECT_FALSE(fresh.resume(rows).is_ok()) << cut;
  }
}

TEST_F(InboxTest, RecordsKeepWhatTheyWereGiven) {
  limits.record_bytes_max = 10;
  Delivery delivery = delivery_of("a", {std::string("nul\0\xff", 5), std::string(25, 'x')});
  std::vector<Attribute> attributes = {{"level", "error"}, {"host", "db3"}, {std::string_view(), "odd"}};
  const std::string long_value(kAttributeValueBytesMax + 5, 'v'), long_key(kAttributeKeyBytesMax + 1, 'k');
  attach(attributes, delivery.records[0], delivery.arena);
  attributes.resize(40, {"many", "x"});
  attributes[0].value = long_value;
  attributes[1].key = long_key;
  attach(attributes, delivery.records[1], delivery.arena);
  delivery.records[0].told_us = 42;
  offer(std::move(delivery), "first");
  Batch batch;
  ASSERT_TRUE(inbox->poll(limits, batch).is_ok());
  const Record& first = batch.streams[0].records[0];
  EXPECT_EQ(first.text, std::string_view("nul\0\xff", 5));
  EXPECT_EQ(first.origin.place, "peer:1");
  EXPECT_EQ(first.told_us, 42);
  EXPECT_EQ(first.flags, 0u);
  ASSERT_EQ(first.attributes.size(), 3u);
  EXPECT_EQ(first.attributes[1].key, "host");
  EXPECT_EQ(first.attributes[1].value, "db3");
  const Record& second = batch.streams[0].records[1];
  EXPECT_EQ(second.flags, kRecordCut | kRecordAttributesCut);
  EXPECT_EQ(second.bytes_cut, 15u);
  EXPECT_EQ(second.attributes.size(), kAttributesMax);
  EXPECT_EQ(second.attributes[0].value.size(), kAttributeValueBytesMax);
  EXPECT_EQ(second.attributes[1].key, "") << "the attribute with the long key was dropped";
  inbox->confirm();
  EXPECT_EQ(inbox->stats().records_cut, 1u);
}

TEST_F(InboxTest, AnEmptyDeliveryIsASuccess) {
  EXPECT_EQ(offer(delivery_of("a", {}), "empty"), Inbox::Answer::kTaken);
  EXPECT_EQ(outcomes["empty"], Code::kOk);
}

TEST_F(InboxTest, WakesTheReaderOnce) {
  int wakes = 0;
  inbox->notify_when_ready([&] { ++wakes; });
  EXPECT_EQ(wakes, 0);
  offer(delivery_of("a", {"1"}), "1");
  offer(delivery_of("a", {"2"}), "2");
  EXPECT_EQ(wakes, 1);
  inbox->notify_when_ready([&] { ++wakes; });
  EXPECT_EQ(wakes, 2) << "at once: something waits";
}

// So that a peer is not refused while intake waits for more: what was polled already does not count.
TEST_F(InboxTest, TellsTheReaderWhenItFills) {
  options.filling_bytes = 4096;
  restart();
  int wakes = 0;
  inbox->notify_when_filling([&] { ++wakes; });
  offer(delivery_of("a", {"1"}), "1");
  EXPECT_EQ(wakes, 0);
  const std::string large(4096, 'x');
  offer(delivery_of("a", {large}), "2");
  offer(delivery_of("a", {large}), "3");
  EXPECT_EQ(wakes, 1);
  inbox->notify_when_filling([&] { ++wakes; });
  EXPECT_EQ(wakes, 2) << "at once: it is filling";
  Batch batch;
  ASSERT_FALSE(inbox->poll(limits, batch).value());
  inbox->notify_when_filling([&] { ++wakes; });
  EXPECT_EQ(wakes, 2) << "all of it is in a batch";
  inbox->confirm();
  offer(delivery_of("a", {large}), "4");
  EXPECT_EQ(wakes, 3);
  EXPECT_FALSE(poll_and_store());
}

// Producers that are refused and repeat themselves, an appender that fails now and then: each id is
// stored once, each delivery is ended once.
TEST_F(InboxTest, FromManyThreads) {
  constexpr int kThreads = 4, kDeliveries = 500;
  options.bytes_max = 20'000;
  limits.batch_records_max = 7;
  restart();
  std::atomic<int> ended = 0, failed = 0, running = kThreads;
  std::vector<std::thread> producers;
  for (int thread = 0; thread < kThreads; ++thread) {
    producers.emplace_back([&, thread] {
      for (int i = 0; i < kDeliveries; ++i) {
        const std::string id = std::to_string(thread) + "-" + std::to_string(i);
        for (int copy = 0; copy < (i % 5 == 0 ? 2 : 1); ++copy) {
          const auto done = [&](const Status& status) {
            ++ended;
            failed += status.is_ok() ? 0 : 1;
          };
          while (inbox->offer(delivery_of(thread % 2 == 0 ? "even" : "odd", {id}, id), done) ==
                 Inbox::Answer::kFull)
            std::this_thread::yield();
        }
      }
      --running;
    });
  }
  for (int round = 0; running > 0 || inbox->stats().backlog_bytes > 0; ++round) {
    Batch batch;
    ASSERT_TRUE(inbox->poll(limits, batch).is_ok());
    if (round % 4 == 0) continue;  // could not be stored
    store(batch);
    inbox->confirm();
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(ended, kThreads * kDeliveries * 6 / 5);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(journal.size(), static_cast<std::size_t>(kThreads * kDeliveries));
  EXPECT_EQ(std::set<std::string>(journal.begin(), journal.end()).size(), journal.size());
}

}  // namespace
}  // namespace silt::connectors
