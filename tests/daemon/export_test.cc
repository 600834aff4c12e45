#include "daemon/export.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "connectors/connector.h"

namespace silt::daemon {
namespace {

TEST(Export, ARecordIsOneLineWithAllThatIsKnownOfIt) {
  ExportRecord record;
  record.tenant = "default";
  record.source = "web";
  record.seq = 7;
  record.place = "/var/log/web.log";
  record.arrival_us = 1'795'294'475'123'456;
  record.event_us = 1'795'294'470'000'000;
  record.text = "GET \"/a\"\tGrüße\n\x1b[0m";
  record.attributes = {{"level", "error"}, {"host", "db\xff"}};
  record.flags = connectors::kRecordCut | connectors::kRecordPartial;
  record.bytes_cut = 12;
  record.pattern = "GET <path>";
  EXPECT_EQ(to_json_line(record),
            "{\"tenant\":\"default\",\"source\":\"web\",\"seq\":7,\"place\":\"/var/log/web.log\","
            "\"arrival\":\"2026-11-21T20:54:35.123456Z\",\"event_time\":\"2026-11-21T20:54:30.000000Z\","
            "\"text\":\"GET \\\"/a\\\"\\tGrüße\\n\\u001b[0m\","
            "\"attributes\":{\"level\":\"error\",\"host\":\"db\\\\xff\"},"
            "\"flags\":[\"cut\",\"partial\"],\"bytes_cut\":12,\"pattern\":\"GET <path>\"}\n");
}

TEST(Export, WhatThereIsNotIsLeftOut) {
  EXPECT_EQ(to_json_line(ExportRecord()),
            "{\"tenant\":\"\",\"source\":\"\",\"seq\":0,\"place\":\"\","
            "\"arrival\":\"1970-01-01T00:00:00.000000Z\",\"text\":\"\"}\n");
}

TEST(Export, TextThatIsNoUtf8ComesWholeAsBase64) {
  ExportRecord record;
  record.text = "caf\xe9";
  const std::string line = to_json_line(record);
  EXPECT_NE(line.find("\"text_base64\":\"Y2Fm6Q==\""), std::string::npos) << line;
  EXPECT_EQ(line.find("\"text\""), std::string::npos) << line;
}

TEST(Export, NoRecordBreaksItsLine) {
  ExportRecord record;
  for (int byte = 0; byte < 128; ++byte) record.text += static_cast<char>(byte);
  record.source = record.place = record.pattern = record.text;
  record.attributes = {{record.text, record.text}};
  const std::string line = to_json_line(record);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.back(), '\n');
}

TEST(Export, GapsAndUnknownFlagsAreNamed) {
  ExportRecord record;
  record.flags = connectors::kRecordGap | 64;
  EXPECT_NE(to_json_line(record).find("[\"gap\",\"64\"]"), std::string::npos);
}

}  // namespace
}  // namespace silt::daemon
