// Segments whose checksums are right and whose content is not: an enemy's, or our own bug's.
#include <gtest/gtest.h>

#include "daemon/store/compress.h"
#include "daemon/store/segment.h"
#include "daemon/store/segment_builder.h"
#include "daemon/store/segment_columns.h"
#include "tests/store/random_records.h"

namespace silt::store {
namespace {

std::string build(std::mt19937_64& random) {
  SegmentBuilder builder;
  OwnedRecords records;
  const std::string users[] = {"root", "alice", "bob", "carol", "dave"};
  for (int i = 0; i < 400; ++i) {
    std::string line = std::to_string(10 + i % 50) + ":00 host" + std::to_string(random() % 5) + " id " +
                       std::to_string(random()) + " from 10." + std::to_string(random() % 200) + "." +
                       std::to_string(random() % 20) + ".1 " + users[random() % 5] + " ";
    std::vector<TokenSpan> tokens;
    for (std::uint32_t at = 0, begin = 0; at < line.size(); ++at) {
      if (line[at] != ' ') continue;
      tokens.push_back({begin, at});
      begin = at + 1;
    }
    const RecordView& record = records.add(std::move(line));
    builder.add(record, {static_cast<PatternId>(i % 2), std::int64_t{i} * 60000000, i < 2}, tokens);
  }
  return builder.finish([](std::string_view text, std::vector<std::string>& out) { out.emplace_back(text); })
      .value();
}

// A segment taken apart: header, filter, and the frames as they are before packing.
struct Parts {
  SegmentHeader header;
  std::string bloom;
  std::vector<std::string> frames;
};

Parts take_apart(const std::string& bytes) {
  Parts parts;
  std::size_t at = 0;
  EXPECT_TRUE(decode_header(bytes, parts.header, at).is_ok());
  parts.bloom = bytes.substr(at, parts.header.bloom_bytes);
  at += parts.bloom.size();
  for (const Frame& frame : parts.header.frames) {
    EXPECT_TRUE(unpack_frame(frame, std::string_view(bytes).substr(at, frame.packed_bytes),
                             parts.frames.emplace_back())
                    .is_ok());
    at += frame.packed_bytes;
  }
  return parts;
}

std::string put_together(Parts parts) {
  std::string frames;
  for (std::size_t i = 0; i < parts.frames.size(); ++i) {
    const std::size_t before = frames.size();
    compress_append(parts.frames[i], 1, frames);
    const std::string_view packed = std::string_view(frames).substr(before);
    parts.header.frames[i] = {static_cast<std::uint32_t>(parts.frames[i].size()),
                              static_cast<std::uint32_t>(packed.size()), frame_checksum(packed)};
  }
  parts.header.bloom_bytes = static_cast<std::uint32_t>(parts.bloom.size());
  parts.header.bloom_checksum = frame_checksum(parts.bloom);
  return encode_header(parts.header) + parts.bloom + frames;
}

void read_all(const std::string& bytes, int& read) {
  Result<Segment> segment = Segment::open(std::make_shared<const std::string>(bytes));
  const auto is_known = [](const Status& status) {
    return status.is_ok() || status.code() == Code::kDataLoss;
  };
  ASSERT_TRUE(is_known(segment.status())) << segment.status().to_string();
  if (!segment.is_ok()) return;
  (void)segment->may_contain("x");
  ASSERT_TRUE(is_known(segment->marks().status()));
  for (std::uint32_t shape = 0; shape < segment->shapes().size(); ++shape) {
    for (std::uint32_t hole = 0; hole < segment->shapes()[shape].holes.size(); ++hole) {
      (void)segment->stats(shape, hole);
      ASSERT_TRUE(is_known(segment->column(shape, hole).status()));
    }
  }
  std::vector<std::uint32_t> indexes;
  ASSERT_TRUE(
      is_known(segment->indexes_where([](std::string_view text) { return text.size() == 3; }, indexes)));
  const Status verified = segment->verify();
  ASSERT_TRUE(is_known(verified)) << verified.to_string();
  read += verified.is_ok() ? 1 : 0;
}

TEST(HostileSegment, WhatWasTakenApartCanBePutTogether) {
  std::mt19937_64 random(20);
  int read = 0;
  read_all(put_together(take_apart(build(random))), read);
  EXPECT_EQ(read, 1);
}

TEST(HostileSegment, FramesOfAnyContentAreBounded) {
  std::mt19937_64 random(21);
  const Parts parts = take_apart(build(random));
  int read = 0;
  for (int times = 0; times < 4000; ++times) {
    Parts bad = parts;
    // Mostly the pool: it says of what kind all columns are.
    std::string& frame = random() % 3 == 0 ? bad.frames[random() % bad.frames.size()] : bad.frames.back();
    frame = damage(random, frame);
    read_all(put_together(std::move(bad)), read);
    if (HasFatalFailure()) return;
  }
  EXPECT_LT(read, 2000);
}

TEST(HostileSegment, HeadersOfAnyContentAreBounded) {
  std::mt19937_64 random(22);
  const std::string bytes = build(random);
  std::size_t header_size = 0;
  SegmentHeader header;
  ASSERT_TRUE(decode_header(bytes, header, header_size).is_ok());
  std::uint32_t raw_size = 0;
  std::memcpy(&raw_size, bytes.data() + 1, 4);
  std::string fields(raw_size, '\0');
  ASSERT_TRUE(
      decompress(std::string_view(bytes).substr(13, header_size - 13), fields.data(), raw_size).is_ok());
  int read = 0;
  for (int times = 0; times < 4000; ++times) {
    const std::string bad_fields = damage(random, fields);
    std::string packed;
    compress_append(bad_fields, 1, packed);
    ByteWriter out;
    out.u8(1);
    out.u32(static_cast<std::uint32_t>(bad_fields.size()));
    out.u32(static_cast<std::uint32_t>(packed.size()));
    out.u32(frame_checksum(packed) ^ frame_checksum(out.bytes()));
    read_all(out.bytes() + packed + bytes.substr(header_size), read);
    if (HasFatalFailure()) return;
  }
  EXPECT_LT(read, 3000);
}

TEST(HostileSegment, ABombIsRefused) {
  std::mt19937_64 random(23);
  Parts parts = take_apart(build(random));
  for (std::string& frame : parts.frames) frame.assign((std::size_t{300} << 20) / parts.frames.size(), '\0');
  const std::string bytes = put_together(std::move(parts));
  EXPECT_EQ(Segment::open(std::make_shared<const std::string>(bytes)).status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace silt::store
