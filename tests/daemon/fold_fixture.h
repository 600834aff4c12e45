// A fold loop without its thread over a real store, with lines of a few patterns.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/log.h"
#include "connectors/connector.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/store/attributes.h"
#include "daemon/store/rocks_store.h"
#include "tests/daemon/raw_rows.h"
#include "tests/support/power_loss_env.h"
#include "tests/support/temp_dir.h"

namespace silt::learn {

using store::BlockPtr;
using store::FoldHead;
using store::RocksStore;
using store::Seq;
using store::SourceInfo;
using store::SourceRef;

class FoldLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view line) { logged_ += std::string(line) + "\n"; });
    options_.segment_bytes = 4000;
    options_.segment_bytes_min = 1000;
    options_.chunks_max = 1000;
    options_.on_folded = [this](std::span<const SourceRef> sources) {
      told_.emplace_back(sources.begin(), sources.end());
    };
    options_.keep_state = [this](SourceRef source) { pinned_.push_back(source); };
    reopen();
  }
  void TearDown() override {
    log::set_sink([](log::Level, std::string_view) {});
  }

  void reopen() {
    loop_.reset();
    store_.reset();
    store::StoreOptions options;
    options.database.path = dir_.path("store");
    options.database.env = quick_.env();
    options.terms_of = terms_of;
    store_ = RocksStore::open(options).value();
    restart();
  }
  void restart() { loop_ = std::make_unique<FoldLoop>(*store_, *store_, clock_, options_); }

  SourceInfo source(const std::string& name = "a") {
    return store_->open_source("default", name, "host").value();
  }

  // A chunk of `count` lines, made of a few patterns with values, some with times, some odd.
  void append(const SourceInfo& info, int count) {
    store::StreamAppend stream{info.ref, {}, {}};
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) {
      const auto value = random_();
      if (value % 13 == 0) {
        lines.push_back("");
      } else if (value % 7 == 0) {
        lines.push_back("kernel: oom killer took process " + std::to_string(value % 5000));
      } else {
        lines.push_back("2026-11-21T10:10:" + std::to_string(10 + value % 50) + "Z sshd[" +
                        std::to_string(value % 9000) + "]: session opened for user u" +
                        std::to_string(value % 5));
      }
    }
    for (const std::string& line : lines) {
      store::RecordView record;
      record.text = line;
      record.arrival_us = clock_.wall_us();
      record.told_us = line.size() % 5 == 1 ? 1'600'000'000'000'000 : 0;
      record.flags = random_() % 31 == 0 ? std::uint32_t{connectors::kRecordGap} : 0;
      record.origin.place = "/var/log/a.log";
      stream.records.push_back(record);
      stream.delta.bytes += line.size();
    }
    stream.delta.lines = static_cast<std::uint64_t>(count);
    store::GroupAppend group;
    group.streams.push_back(std::move(stream));
    ASSERT_TRUE(store_->append(group).is_ok());
    loop_->ready(std::span(&info.ref, 1));
  }
  // A chunk of these lines, of one place, which arrive now.
  void append_lines(const SourceInfo& info, const std::vector<std::string>& lines, std::string_view place,
                    std::string_view attributes = {}) {
    store::StreamAppend stream{info.ref, {}, {}};
    for (const std::string& line : lines) {
      store::RecordView record;
      record.text = line;
      record.arrival_us = clock_.wall_us();
      record.origin.place = place;
      record.attributes = attributes;
      stream.records.push_back(record);
    }
    stream.delta.lines = lines.size();
    store::GroupAppend group;
    group.streams.push_back(std::move(stream));
    ASSERT_TRUE(store_->append(group).is_ok());
    loop_->ready(std::span(&info.ref, 1));
  }
  std::vector<std::int64_t> events(const SourceInfo& info) {
    std::vector<std::int64_t> out;
    for (Seq after = 0;;) {
      const BlockPtr block = store_->block_after(info.ref, after).value();
      if (!block) return out;
      after = block->last_seq;
      for (const store::FoldMark& mark : block->marks) out.push_back(mark.event_us);
    }
  }
  void drain() {
    for (int rounds = 0;; ++rounds) {
      const auto more = loop_->round();
      ASSERT_TRUE(more.is_ok()) << more.status().to_string();
      if (!*more) return;
      ASSERT_LT(rounds, 1000);
    }
  }
  FoldHead head(const SourceInfo& info) { return store_->fold_head(info.ref).value(); }
  std::vector<store::SegmentInfo> segments(const SourceInfo& info) {
    return store_->segments(info.ref).value();
  }

  // Every record with its mark, one string each; damage by its range.
  std::vector<std::string> contents(const SourceInfo& info) {
    std::vector<std::string> out;
    for (Seq after = 0;;) {
      const BlockPtr block = store_->block_after(info.ref, after).value();
      if (!block) return out;
      after = block->last_seq;
      if (!block->damage.empty())
        out.push_back("damage " + std::to_string(block->first_seq) + ".." + std::to_string(block->last_seq));
      const auto records = block->records.records();
      for (std::size_t i = 0; i < records.size(); ++i) {
        std::string line = std::to_string(records[i].seq) + " " + std::string(records[i].text);
        if (!block->marks.empty()) {
          line += " | " + std::to_string(block->marks[i].pattern) + " " +
                  std::to_string(block->marks[i].event_us) + (block->marks[i].new_pattern ? " new" : "");
        }
        out.push_back(line);
      }
    }
  }
  std::string digest(const SourceInfo& info) {
    const auto all = store_->digests().value();
    for (const auto& each : all) {
      if (each.name == info.name) return each.to_string();
    }
    return "";
  }
  // Looks beneath the closed store.
  template <class Damage>
  void with_damage(Damage damage) {
    const SourceRef a = source().ref;
    loop_.reset();
    store_.reset();
    {
      store::RawRows raw(dir_.path("store"));
      damage(raw, a);
    }
    reopen();
  }
  void learn(const SourceInfo& info, Seq learned, bool blob) {
    store::NetCommit commit;
    commit.source = info.ref;
    commit.head.learned_seq = learned;
    commit.head.steps = 5;
    if (blob) commit.blob = "blob";
    std::vector<store::NetCommit> commits;
    commits.push_back(std::move(commit));
    ASSERT_TRUE(store_->commit(std::move(commits)).is_ok());
  }
  bool logged(std::string_view what) const { return logged_.find(what) != std::string::npos; }

  testing::TempDir dir_;
  testing::PowerLossEnv quick_;  // waits for no disk
  ManualClock clock_{1'700'000'000'000'000};
  std::mt19937 random_{7};
  FoldOptions options_;
  std::vector<std::vector<SourceRef>> told_;
  std::vector<SourceRef> pinned_;
  std::string logged_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<FoldLoop> loop_;
};

}  // namespace silt::learn
