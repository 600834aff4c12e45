// Properties: whatever is done to a store in whatever order, it says what a plain model says; and after
// a loss of power it says what the model said at some moment, not before the last synced write.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "daemon/store/rocks_store.h"
#include "tests/daemon/store_world.h"
#include "tests/support/power_loss_env.h"

namespace silt::store {
namespace {

// The position that an input would store: how much of each source it has read.
std::string position(StoreWorld& world) {
  std::string out;
  for (const SourceModel* source : world.sources()) out += std::to_string(source->end()) + " ";
  return out;
}

struct Step {
  Status status;
  SourceModel* trimmed = nullptr;
  std::vector<Seq> floors_in_doubt;
};

Status append_some(StoreWorld& world) {
  std::vector<std::pair<SourceModel*, std::size_t>> counts;
  std::string after;
  for (SourceModel* source : world.sources()) {
    const std::size_t count = world.random() % 2 == 0 ? 0 : 1 + world.random() % 60;
    if (count > 0) counts.emplace_back(source, count);
    after += std::to_string(source->end() + count) + " ";
  }
  return world.append(counts, {{"host", {"file", after, false}}});
}

Status score_some(StoreWorld& world, SourceModel& source) {
  const Seq known = source.fold.folded_seq - source.net.learned_seq;
  const std::size_t count = known == 0 ? 0 : world.random() % (known + 1);
  const std::size_t tail = known == count ? 0 : world.random() % std::min<Seq>(8, known - count);
  const bool blob = world.random() % 3 == 0;
  return world.score(source, count, tail, blob ? std::optional<std::string>("blob") : std::nullopt);
}

Status seal_some(StoreWorld& world, SourceModel& source) {
  if (source.fold.folded_seq == source.fold.sealed_seq) return {};
  const auto segments = world.store().segments(source.info.ref).value();
  const bool merge = !segments.empty() && world.random() % 2 == 0;
  return world.seal(source, merge ? segments.back().first_seq : 0);
}

Step trim_some(StoreWorld& world, SourceModel& source) {
  const Seq wanted = world.random() % (source.end() + 1);
  Step step;
  // How far it may go is the store's to say; when it cannot say it any more, these are the places.
  const auto segments = world.store().segments(source.info.ref);
  for (std::size_t i = 0; segments.is_ok() && i < segments->size(); ++i) {
    if ((*segments)[i].last_seq <= wanted) step.floors_in_doubt.push_back((*segments)[i].last_seq);
  }
  step.trimmed = &source;
  const auto floor = world.store().trim(source.info.ref, wanted);
  step.status = floor.status();
  if (!floor.is_ok()) return step;
  EXPECT_GE(*floor, source.fold.floor_seq);
  EXPECT_LE(*floor, std::max(wanted, source.fold.floor_seq));
  source.fold.floor_seq = *floor;
  return step;
}

Step random_step(StoreWorld& world) {
  const std::vector<SourceModel*> sources = world.sources();
  SourceModel& source = *sources[world.random() % sources.size()];
  switch (world.random() % 10) {
    case 0:
    case 1:
    case 2: return {append_some(world)};
    case 3:
    case 4:
    case 5: return {world.fold(source, 1 + world.random() % 4)};
    case 6: return {seal_some(world, source)};
    case 7:
    case 8: return {score_some(world, source)};
    default: return trim_some(world, source);
  }
}

void add_sources(StoreWorld& world) {
  world.source("a");
  world.source("b");
  world.source("a", "other");
}

TEST(StoreModel, TheStoreSaysWhatTheModelSays) {
  for (std::uint64_t seed = 1; seed <= 12 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    StoreWorld world(seed);
    world.options.database.write_buffer_bytes = 64 << 10;  // flushes and compactions, too
    ASSERT_TRUE(world.reopen().is_ok());
    add_sources(world);
    for (SourceModel* source : world.sources()) ASSERT_TRUE(world.append(*source, 1).is_ok());
    for (int step = 0; step < 60 && !::testing::Test::HasFailure(); ++step) {
      const Status done = random_step(world).status;
      ASSERT_TRUE(done.is_ok()) << done.to_string();
      if (step % 10 == 9) world.check(*world.sources()[world.random() % 3]);
      if (step % 25 != 24) continue;
      ASSERT_TRUE(world.reopen().is_ok());
    }
    for (SourceModel* source : world.sources()) world.check(*source);
  }
}

// --- loss of power ----------------------------------------------------------------------------------

using Moment = std::vector<SourceModel>;  // all sources at one moment

Moment now(StoreWorld& world) {
  Moment out;
  for (const SourceModel* source : world.sources()) out.push_back(*source);
  return out;
}

std::string heads_of(const SourceModel& source) {
  return "journal " + std::to_string(source.intake.journal_seq) + " folded " +
         std::to_string(source.fold.folded_seq) + " sealed " + std::to_string(source.fold.sealed_seq) +
         " floor " + std::to_string(source.fold.floor_seq) + " learned " +
         std::to_string(source.net.learned_seq) + " and " + std::to_string(source.tail.size()) + " open\n";
}

std::string heads_of(const Moment& moment) {
  std::string out;
  for (const SourceModel& source : moment) out += heads_of(source);
  return out;
}

// What the store says of itself, in the same words.
std::string heads_of(const RocksStore& store, const Moment& like) {
  std::string out;
  for (const SourceModel& source : like) {
    SourceModel found;
    if (const auto intake = store.intake_head(source.info.ref); intake.is_ok()) found.intake = *intake;
    if (const auto fold = store.fold_head(source.info.ref); fold.is_ok()) found.fold = *fold;
    if (const auto net = store.net_head(source.info.ref); net.is_ok() && *net) found.net = **net;
    if (!store.scores(source.info.ref, found.net.learned_seq + 1, ~Seq{0}, found.tail).is_ok()) out += "no scores ";
    out += heads_of(found);
  }
  return out;
}

// Works until the power goes; then `moments` are those that the disk may show: after the last write that
// was done, and after the one that was being written.
void live(StoreWorld& world, std::vector<Moment>& moments) {
  for (;;) {
    const Step step = random_step(world);
    if (step.status.is_ok()) moments.clear();
    moments.push_back(now(world));
    if (step.status.is_ok()) continue;
    for (const Seq floor : step.floors_in_doubt) {
      const Seq before = std::exchange(step.trimmed->fold.floor_seq, std::max(floor, step.trimmed->fold.floor_seq));
      moments.push_back(now(world));
      step.trimmed->fold.floor_seq = before;
    }
    return;
  }
}

void adopt(StoreWorld& world, const std::vector<Moment>& moments) {
  const std::string found = heads_of(world.store(), moments[0]);
  const auto moment = std::find_if(moments.rbegin(), moments.rend(),
                                   [&](const Moment& each) { return heads_of(each) == found; });
  std::string wanted;
  for (const Moment& each : moments) wanted += heads_of(each) + "or\n";
  ASSERT_NE(moment, moments.rend()) << "the store says\n" << found << "wanted was\n" << wanted;
  for (std::size_t i = 0; i < moment->size(); ++i) *world.sources()[i] = (*moment)[i];
  const auto cursors = world.store().cursors("host").value();
  ASSERT_EQ(cursors.size(), 1u);
  EXPECT_EQ(cursors[0].value, position(world)) << "cursor and chunks disagree";
  for (SourceModel* source : world.sources()) {
    // The source of a first append that was lost is opened again, as its input would.
    ASSERT_EQ(world.store().open_source(source->info.tenant, source->info.stream, "host")->ref,
              source->info.ref);
    world.check(*source);
  }
}

TEST(StorePower, NothingAcknowledgedIsLostAndAllFormsAgree) {
  for (std::uint64_t seed = 1; seed <= 10 && !::testing::Test::HasFailure(); ++seed) {
    StoreWorld world(seed);
    world.options.database.write_buffer_bytes = 64 << 10;
    ASSERT_TRUE(world.reopen().is_ok());
    add_sources(world);
    for (SourceModel* source : world.sources()) ASSERT_TRUE(world.append(*source, 1).is_ok());
    ASSERT_TRUE(world.append({}, {{"host", {"file", position(world), false}}}).is_ok());
    for (int life = 0; life < 6 && !::testing::Test::HasFailure(); ++life) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", life " + std::to_string(life));
      testing::PowerLossEnv power;
      world.options.database.env = power.env();
      ASSERT_TRUE(world.reopen().is_ok());
      power.cut_after(world.random() % 120);
      std::vector<Moment> moments{now(world)};
      live(world, moments);
      power.cut();
      world.close();
      power.settle(world.random);
      testing::PowerLossEnv quick;
      world.options.database.env = quick.env();
      const Status opened = world.reopen();
      ASSERT_TRUE(opened.is_ok()) << opened.to_string();
      adopt(world, moments);
      world.close();
    }
    world.close();
  }
}

}  // namespace
}  // namespace silt::store
