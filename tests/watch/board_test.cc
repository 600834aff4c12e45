#include "daemon/watch/board.h"

#include <gtest/gtest.h>

namespace silt::watch {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

store::SourceRef source(std::uint32_t tenant, std::uint32_t id) {
  return {store::TenantId{tenant}, store::SourceId{id}};
}

Change change(store::SourceRef of, std::int64_t time_s) {
  return {Kind::kNewPattern, of, 1, time_s * kSecond, 7, 1, 0};
}

const auto kAll = [](store::SourceRef) { return true; };

TEST(Board, AWatcherGoesOnWhereItWas) {
  Board board("b");
  board.add(change(source(1, 1), 100));
  const News first = board.since("", false, kAll).value();
  EXPECT_TRUE(first.incidents.empty());  // from now on
  board.add(change(source(1, 1), 1000));
  const News second = board.since(first.token, false, kAll).value();
  ASSERT_EQ(second.incidents.size(), 1U);
  EXPECT_EQ(second.incidents[0].cause.time_us, 1000 * kSecond);
  EXPECT_TRUE(board.since(second.token, false, kAll).value().incidents.empty());
  EXPECT_EQ(board.since("", true, kAll).value().incidents.size(), 2U);
}

TEST(Board, ChangesThatComeTogetherAreAnIncident) {
  Board board("b");
  board.add(change(source(1, 1), 100));
  board.add(change(source(1, 2), 160));
  board.add(change(source(1, 1), 270));
  const News news = board.since("", true, kAll).value();
  ASSERT_EQ(news.incidents.size(), 1U);
  EXPECT_EQ(news.incidents[0].cause.source, source(1, 1));
  EXPECT_EQ(news.incidents[0].sources.size(), 2U);
  board.add(change(source(1, 1), 300));
  const News more = board.since(news.token, false, kAll).value();
  ASSERT_EQ(more.incidents.size(), 1U);
  EXPECT_EQ(more.incidents[0].number, news.incidents[0].number);  // the same goes on
  EXPECT_EQ(more.incidents[0].changes.size(), 1U);
  EXPECT_EQ(more.incidents[0].changes_total, 4U);
}

TEST(Board, WhereThereIsAlwaysSomethingAnIncidentEndsAfterFiveMinutes) {
  Board board("b");
  for (std::int64_t time_s = 1000; time_s < 1700; time_s += 60) board.add(change(source(1, 1), time_s));
  EXPECT_EQ(board.since("", true, kAll).value().incidents.size(), 3U);
}

TEST(Board, AnIncidentIsShownWholeAndScoresAsItsWorstChange) {
  Board board("b");
  board.add(change(source(1, 1), 100));
  Change worse = change(source(1, 2), 101);
  worse.score = 5;
  board.add(worse);
  board.add(change(source(1, 1), 9000));
  const Incident incident = board.incident(1).value();
  EXPECT_EQ(incident.changes.size(), 2U);
  EXPECT_EQ(incident.score, 5);
  EXPECT_EQ(board.incident(2).status().code(), Code::kNotFound) << "the number of a change";
}

TEST(Board, TheMostTellingOfEachKindComesFirst) {
  std::vector<Change> changes;
  for (const double score : {4.0, 6.0, 5.0}) changes.push_back({.kind = Kind::kLouder, .source = source(1, 1), .pattern = 7, .score = score});
  changes.push_back({.kind = Kind::kGone, .source = source(1, 1), .pattern = 7, .score = 2});
  const std::vector<Change> told = most_telling(changes, 3);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].score, 6);
  EXPECT_EQ(told[1].kind, Kind::kGone);
  EXPECT_EQ(told[2].score, 5);
}

TEST(Board, TenantsShareNoIncident) {
  Board board("b");
  board.add(change(source(1, 1), 100));
  board.add(change(source(2, 2), 101));
  board.add(change(source(1, 1), 102));
  const News news = board.since("", true, [](store::SourceRef ref) { return ref.tenant == store::TenantId{1}; }).value();
  ASSERT_EQ(news.incidents.size(), 1U);
  EXPECT_EQ(news.incidents[0].sources.size(), 1U);
  EXPECT_EQ(news.incidents[0].changes_total, 2U);
}

TEST(Board, WhoComesTooLateIsToldSo) {
  Board board("b");
  const std::string token = board.since("", false, kAll).value().token;
  for (std::size_t i = 0; i < Board::kChangesMax; ++i) board.add(change(source(1, 1), static_cast<std::int64_t>(i) * 1000));
  EXPECT_FALSE(board.since(token, false, kAll).value().missed);
  board.add(change(source(1, 1), 0));
  const News news = board.since(token, false, kAll).value();
  EXPECT_TRUE(news.missed);
  EXPECT_FALSE(board.since(news.token, false, kAll).value().missed);
}

TEST(Board, WhatIsLongComesInParts) {
  Board board("b");
  for (std::size_t i = 0; i < Board::kReplyMax + 10; ++i) board.add(change(source(1, 1), static_cast<std::int64_t>(i) * 1000));
  const News first = board.since("", true, kAll).value();
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.incidents.size(), Board::kReplyMax);
  const News second = board.since(first.token, false, kAll).value();
  EXPECT_FALSE(second.more);
  EXPECT_EQ(second.incidents.size(), 10U);
}

TEST(Board, ATokenOfAnotherBoardHasMissedSome) {
  Board board("new");
  board.add(change(source(1, 1), 100));
  const News news = board.since("old.900", false, kAll).value();
  EXPECT_TRUE(news.missed);
  EXPECT_EQ(news.incidents.size(), 1U);
  for (const char* wrong : {"x", "new.", "new.1x", ".", "new.99999999999999999999999"}) EXPECT_FALSE(board.since(wrong, false, kAll).is_ok()) << wrong;
}

}  // namespace
}  // namespace silt::watch
