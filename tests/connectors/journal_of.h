// A journal for connectors in tests: stores what they poll, and their rows, as intake does.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "connectors/connector.h"

namespace silt::connectors {

struct Kept {
  std::string text, place;
  std::int64_t told_us = 0;
  std::map<std::string, std::string> attributes;
};

class Journal {
 public:
  // True when the poll brought something.
  bool take(Connector& connector, bool store = true) {
    Batch batch;
    const auto more = connector.poll({}, batch);
    EXPECT_TRUE(more.is_ok()) << more.status().to_string();
    if (batch.empty() || !store) return false;
    for (const StreamBatch& stream : batch.streams) {
      for (const Record& record : stream.records) {
        Kept kept{std::string(record.text), std::string(record.origin.place), record.told_us, {}};
        for (const Attribute& each : record.attributes) kept.attributes[std::string(each.key)] = each.value;
        records.push_back(std::move(kept));
      }
    }
    for (const CursorRow& row : batch.cursors) {
      if (row.deleted) rows.erase(row.key);
      else rows[row.key] = row.value;
    }
    connector.confirm();
    return true;
  }

  void resume(Connector& connector) const {
    std::vector<CursorRow> all;
    for (const auto& [key, value] : rows) all.push_back({key, value, false});
    const Status resumed = connector.resume(all);
    ASSERT_TRUE(resumed.is_ok()) << resumed.to_string();
  }

  // How often each place was told with each version: "rm:#1/2 v1".
  std::map<std::string, int> told() const {
    std::map<std::string, int> out;
    for (const Kept& kept : records) ++out[kept.place + " v" + kept.attributes.at("version")];
    return out;
  }
  // What stands now, by place.
  std::map<std::string, Kept> current() const {
    std::map<std::string, Kept> out;
    for (const Kept& kept : records) {
      if (kept.attributes.at("version") == kItemGone) out.erase(kept.place);
      else out[kept.place] = kept;
    }
    return out;
  }

  std::vector<Kept> records;
  std::map<std::string, std::string> rows;
};

}  // namespace silt::connectors
