// Forgetting, over the real path from a file to committed states: afterwards the bytes are in no file of the store,
// and the net is that of a twin whose log never held them.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "daemon/learn/net_state.h"
#include "tests/daemon/pipeline.h"
#include "tests/model/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace silt::testing {
namespace {

using learn::ForgetCertificate;
using learn::ForgetKind;
using learn::ForgetTarget;

constexpr std::string_view kPlanted = "walnut-9f3c-heartbeat";

class ForgetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(model::write_tiny_model(dir_.path("tiny.safetensors")).is_ok());
    std::filesystem::create_directory(dir_.path("logs"));
    std::filesystem::create_directory(dir_.path("twin_logs"));
  }

  static std::string line(int i) {
    if (i % 29 == 5) return "login of " + std::string(kPlanted) + " from 10.0.0." + std::to_string(i % 7);
    if (i % 31 == 7) return "secret note " + std::string(kPlanted);  // a pattern of its own
    return "job " + std::to_string(i * 7919 % 1000) + (i % 5 == 0 ? " failed" : " done") + " on host h" + std::to_string(i % 4) +
           " after " + std::to_string(i % 60) + " s";
  }
  static bool is_planted(int i) { return line(i).find(kPlanted) != std::string::npos; }

  // The twin's log holds the others only.
  void write(const std::string& file, int first, int last) {
    std::ofstream out(dir_.path("logs/" + file), std::ios::app), twin(dir_.path("twin_logs/" + file), std::ios::app);
    for (int i = first; i <= last; ++i) {
      out << line(i) << '\n';
      if (!is_planted(i)) twin << line(i) << '\n';
    }
  }
  static int planted(int first, int last) {
    int count = 0;
    for (int i = first; i <= last; ++i) count += is_planted(i) ? 1 : 0;
    return count;
  }

  std::unique_ptr<Pipeline> open(const std::string& store, const std::string& logs, std::uint64_t retention_bytes = 0) {
    PipelineOptions options;
    options.store = dir_.path(store);
    options.model = dir_.path("tiny.safetensors");
    options.include = {dir_.path(logs + "/*.log")};
    options.retention_bytes = retention_bytes;
    options.burst_tokens = 10'000'000;  // nothing is sampled: samples are drawn by number
    auto pipeline = Pipeline::create(options);
    EXPECT_TRUE(pipeline.is_ok()) << pipeline.status().to_string();
    (*pipeline)->start();
    return std::move(pipeline).value();
  }
  static void wait_until_learned(Pipeline& pipeline, std::uint64_t records) {
    for (;;) {
      ASSERT_FALSE(pipeline.failed());
      std::uint64_t folded = 0;
      for (const store::SourceInfo& info : pipeline.store().sources()) folded += pipeline.store().fold_head(info.ref)->folded_seq;
      if (folded >= records && pipeline.learned().value() >= records) return;
      std::this_thread::yield();
    }
  }
  static store::SourceInfo source(Pipeline& pipeline, std::size_t at = 0) { return pipeline.store().sources().at(at); }

  // Of the net alone, without the numbers of its records.
  static Digest net_of(Pipeline& pipeline) {
    const store::SourceRef ref = source(pipeline).ref;
    const store::Seq at = pipeline.learner().store_state(ref).value();
    const auto head = pipeline.store().net_head(ref).value();
    model::Learner& learner = pipeline.model_learner();
    pipeline.stop();
    const auto state = learn::decode_state(pipeline.store().blob(ref, at).value(), learner,
                                           learn::decode_history(*head, fold::PolicyConfig()));
    return learner.digest(state->net);
  }

  Result<ForgetCertificate> forget(Pipeline& pipeline, ForgetTarget target, const std::string& id = "id", bool dry_run = false) {
    target.tenant = "default";
    if (target.sources.empty()) target.sources = pipeline.store().sources();
    return pipeline.forgetter().forget(target, {id, dry_run, never_});
  }
  static ForgetTarget text(std::string_view text) {
    ForgetTarget target;
    target.kind = ForgetKind::kText;
    target.text = text;
    return target;
  }

  std::set<std::string> data_files() const {
    std::set<std::string> out;
    for (const auto& file : std::filesystem::directory_iterator(dir_.path("store"))) {
      const std::string name = file.path().filename();
      if (!name.starts_with("MANIFEST") && !name.starts_with("OPTIONS") && file.path().has_extension()) out.insert(name);
    }
    return out;
  }
  // Files that hold the bytes as they are, rows that do once the library has unpacked them, and records.
  std::vector<std::string> where(std::string_view bytes) const {
    std::vector<std::string> out;
    const std::string path = dir_.path("store");
    for (const auto& file : std::filesystem::directory_iterator(path)) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      if (all.find(bytes) != std::string::npos) out.push_back(file.path().filename());
    }
    rows_with(path, bytes, out);
    const auto store = store::RocksStore::open({.database = {.path = path, .read_only = true}});
    EXPECT_TRUE(store.is_ok());
    for (const store::SourceInfo& info : (*store)->sources()) {
      for (store::Seq after = 0;;) {
        const store::BlockPtr block = (*store)->block_after(info.ref, after).value();
        if (!block) break;
        for (const store::RecordView& record : block->records.records()) {
          if (record.text.find(bytes) != std::string_view::npos) out.push_back("record " + std::to_string(record.seq));
        }
        after = block->last_seq;
      }
    }
    return out;
  }
  static void rows_with(const std::string& path, std::string_view bytes, std::vector<std::string>& out) {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DBOptions options;
    options.track_and_verify_wals_in_manifest = true;  // as the store's: it cannot be changed by who only reads
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (rocksdb::ColumnFamilyHandle* const family : handles) {
      const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}, family));
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
        const bool holds = it->value().ToStringView().find(bytes) != std::string_view::npos;
        if (holds) out.push_back("row of table " + it->key().ToString().substr(0, 1));
      }
      (void)db->DestroyColumnFamilyHandle(family);
    }
  }

  TempDir dir_;
  const std::atomic<bool> never_{false};
};

TEST_F(ForgetTest, ATextIsInNoFileAndTheNetIsThatOfATwin) {
  write("app.log", 1, 400);
  auto pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 400);
  pipeline.reset();
  EXPECT_GT(where(kPlanted).size(), 3u);  // it would be found
  pipeline = open("store", "logs");
  const std::set<std::string> before = data_files();
  const auto done = forget(*pipeline, text(kPlanted));
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  ASSERT_EQ(done->sources.size(), 1u);
  EXPECT_EQ(done->sources[0].records, static_cast<std::uint64_t>(planted(1, 400)));
  EXPECT_NE(done->sources[0].journal_before, done->sources[0].journal_after);
  EXPECT_TRUE(done->is_complete());
  for (const std::string& file : data_files()) EXPECT_FALSE(before.contains(file)) << file;
  pipeline.reset();
  EXPECT_EQ(where(kPlanted), std::vector<std::string>());
  pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 400);
  const Digest forgotten = net_of(*pipeline);
  pipeline.reset();
  EXPECT_EQ(where(kPlanted), std::vector<std::string>());
  auto twin = open("twin", "twin_logs");
  wait_until_learned(*twin, 400 - static_cast<std::uint64_t>(planted(1, 400)));
  EXPECT_EQ(forgotten, net_of(*twin));
}

TEST_F(ForgetTest, ADryRunSaysTheSameAndDoesNothing) {
  write("app.log", 1, 120);
  auto pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 120);
  const auto dry = forget(*pipeline, text(kPlanted), "id", true);
  ASSERT_TRUE(dry.is_ok());
  pipeline.reset();
  EXPECT_GT(where(kPlanted).size(), 3u);
  pipeline = open("store", "logs");
  const auto done = forget(*pipeline, text(kPlanted));
  ASSERT_TRUE(done.is_ok());
  EXPECT_EQ(done->sources[0].records, dry->sources[0].records);
  EXPECT_EQ(done->sources[0].journal_before, dry->sources[0].journal_before);
  EXPECT_EQ(done->sources[0].state.from_seq, dry->sources[0].state.from_seq);
}

TEST_F(ForgetTest, APinnedVersionThatReadItIsInTheWay) {
  write("app.log", 1, 120);
  auto pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 120);
  const store::SourceRef ref = source(*pipeline).ref;
  const store::Seq at = pipeline->learner().store_state(ref).value();
  ASSERT_TRUE(pipeline->store().pin(ref, at, true, {}).is_ok());
  EXPECT_EQ(forget(*pipeline, text(kPlanted), "id", true)->sources[0].state.dropped_pinned, 1u);
  const auto refused = forget(*pipeline, text(kPlanted));
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.status().message().find("--drop-pinned"), std::string::npos) << refused.status().message();
  const auto kept = pipeline->store().versions(ref).value();
  EXPECT_TRUE(std::any_of(kept.begin(), kept.end(), [](const auto& version) { return version.pinned; }));
  ForgetTarget target = text(kPlanted);
  target.tenant = "default";
  target.sources = pipeline->store().sources();
  const auto done = pipeline->forgetter().forget(target, {"id", false, never_, /*drop_pinned=*/true});
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  pipeline.reset();
  EXPECT_EQ(where(kPlanted), std::vector<std::string>());
}

TEST_F(ForgetTest, ARequestIsCarriedOutOnceAndItsCertificateDoesNotHoldTheText) {
  write("app.log", 1, 120);
  auto pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 120);
  const auto first = forget(*pipeline, text(kPlanted));
  ASSERT_TRUE(first.is_ok());
  EXPECT_EQ(encode_certificate(*first).find(kPlanted), std::string::npos);
  const auto again = forget(*pipeline, text("something else"));
  ASSERT_TRUE(again.is_ok());
  EXPECT_EQ(encode_certificate(*again), encode_certificate(*first));
  EXPECT_EQ(encode_certificate(*pipeline->forgetter().certificate("default", "id")), encode_certificate(*first));
  EXPECT_EQ(pipeline->forgetter().certificate("other", "id").status().code(), Code::kNotFound);
  EXPECT_EQ(forget(*pipeline, text("abc"), "short").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(forget(*pipeline, text(kPlanted), "").status().code(), Code::kInvalidArgument);
}

TEST_F(ForgetTest, RecordsAndPatternsGo) {
  write("app.log", 1, 200);
  auto pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 200);
  ForgetTarget target;
  target.kind = ForgetKind::kRecords;
  target.ranges = {{50, 60}, {190, 900}};
  const auto ranges = forget(*pipeline, target);
  ASSERT_TRUE(ranges.is_ok()) << ranges.status().to_string();
  EXPECT_EQ(ranges->sources[0].records, 22u);
  wait_until_learned(*pipeline, 200);
  std::vector<store::PatternRow> rows;
  ASSERT_TRUE(pipeline->store().patterns(source(*pipeline).ref, rows).is_ok());
  target = {};
  target.kind = ForgetKind::kPatterns;
  std::uint64_t records = 0;
  for (const store::PatternRow& row : rows) {
    if (row.text.find("secret") == std::string::npos) continue;
    target.patterns.push_back(row.id);
    records += row.count;
  }
  const auto patterns = forget(*pipeline, target, "second");
  ASSERT_TRUE(patterns.is_ok()) << patterns.status().to_string();
  EXPECT_EQ(patterns->sources[0].records, records);
  wait_until_learned(*pipeline, 200);
  pipeline.reset();
  EXPECT_EQ(where("secret note"), std::vector<std::string>());
  EXPECT_GT(where("login of").size(), 0u);
}

// What retention has removed cannot be read again: the state begins anew, and the dry run says where.
TEST_F(ForgetTest, WithRetentionTheStateBeginsAnew) {
  write("app.log", 1, 600);
  auto pipeline = open("store", "logs", 3000);
  wait_until_learned(*pipeline, 600);
  while (pipeline->store().fold_head(source(*pipeline).ref)->floor_seq == 0) std::this_thread::yield();
  const auto done = forget(*pipeline, text(kPlanted));
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  ASSERT_EQ(done->sources.size(), 1u);
  EXPECT_GT(done->sources[0].state.from_seq, 0u);
  wait_until_learned(*pipeline, 600);
  pipeline.reset();
  EXPECT_EQ(where(kPlanted), std::vector<std::string>());
  pipeline = open("store", "logs", 3000);  // a replay that differs would end it
  write("app.log", 601, 640);
  wait_until_learned(*pipeline, 640);
}

TEST_F(ForgetTest, AWholeSourceGoesAndTheOthersStay) {
  write("a.log", 1, 100);
  write("b.log", 101, 200);
  auto pipeline = open("store", "logs");
  wait_until_learned(*pipeline, 200);
  const auto before = pipeline->store().digests().value();
  ForgetTarget target;
  target.kind = ForgetKind::kSources;
  target.sources = {source(*pipeline, 0)};
  const std::string gone = target.sources[0].name;
  const auto done = forget(*pipeline, target);
  ASSERT_TRUE(done.is_ok()) << done.status().to_string();
  EXPECT_EQ(done->sources[0].records, 100u);
  EXPECT_TRUE(done->is_complete());
  const auto after = pipeline->store().digests().value();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0], before[before[0].name == gone ? 1 : 0]);
}

}  // namespace
}  // namespace silt::testing
