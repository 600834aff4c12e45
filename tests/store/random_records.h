// Records of every awkward kind for codec tests, and damage to what was encoded.
#pragma once

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "daemon/store/attributes.h"
#include "daemon/store/record.h"

namespace silt::store {

// Records that own what they view. Moving it would move the strings: it stays where it is.
class OwnedRecords {
 public:
  OwnedRecords() = default;
  OwnedRecords(const OwnedRecords&) = delete;
  OwnedRecords& operator=(const OwnedRecords&) = delete;

  RecordView& add(std::string text) {
    RecordView record;
    record.seq = records.empty() ? 1 : records.back().seq + 1;
    record.text = keep(std::move(text));
    if (!records.empty()) {
      record.arrival_us = records.back().arrival_us;
      record.origin = records.back().origin;
      record.origin.begin = records.back().origin.end + 1;
    }
    record.origin.end = record.origin.begin + record.text.size();
    return records.emplace_back(record);
  }
  std::string_view keep(std::string bytes) { return bytes_.emplace_back(std::move(bytes)); }

  std::vector<RecordView> records;

 private:
  std::deque<std::string> bytes_;
};

inline std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Lines with what breaks number and text codecs: signs, leading zeros, 20 digits, NUL, CR, bad UTF-8.
inline std::string awkward_line(std::mt19937_64& random) {
  static const std::string kPieces[] = {"0",
                                        "00",
                                        "007",
                                        "-0",
                                        "+5",
                                        "-5",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999",
                                        "12:03:59",
                                        "2026-11-21T09:00:00.123456Z",
                                        "10.0.0.1:22",
                                        "blk_-123",
                                        "blk_38",
                                        "12ms",
                                        "4.50",
                                        "1e5",
                                        "\r",
                                        std::string(1, '\0'),
                                        "\xff\xfe",
                                        "\xc3",
                                        "\xc3\xa4",
                                        " ",
                                        "  ",
                                        "\t",
                                        "error",
                                        "sshd[1]:",
                                        "<*>",
                                        "",
                                        "x1y22z333",
                                        "0x1F",
                                        "000000000000000000000000000001",
                                        "--",
                                        "-",
                                        "1-1",
                                        "\n"};
  std::string line;
  for (std::size_t pieces = random() % 8; pieces > 0; --pieces) {
    line += kPieces[random() % std::size(kPieces)];
    if (random() % 2 == 0) line += ' ';
    if (random() % 4 == 0) line += std::to_string(static_cast<std::int64_t>(random()) >> (random() % 64));
  }
  return line;
}

// Fills `out` with `count` records in which everything differs from what codecs predict, now and then.
inline void random_records(std::mt19937_64& random, std::size_t count, OwnedRecords& out) {
  const auto rarely = [&] { return random() % 8 == 0; };
  for (std::size_t i = 0; i < count; ++i) {
    RecordView& record = out.add(rarely() ? random_bytes(random, random() % 40) : awkward_line(random));
    if (rarely()) record.arrival_us += static_cast<std::int64_t>(random() % 1000000);
    if (rarely()) record.arrival_us = static_cast<std::int64_t>(random());
    if (rarely()) record.told_us = static_cast<std::int64_t>(random());
    if (rarely()) record.origin.place = out.keep(std::string("/var/log/").append(1, "abc"[random() % 3]));
    if (rarely()) record.origin.place = out.keep(random_bytes(random, random() % 9));
    if (rarely()) record.origin.generation = random();
    if (rarely()) record.origin.begin = random();
    if (rarely()) record.origin.end = random();
    if (rarely()) record.flags = static_cast<std::uint32_t>(random());
    if (rarely()) record.bytes_cut = random();
    if (rarely()) {
      const Attribute attributes[] = {{"level", "error"}, {out.keep(random_bytes(random, 3)), ""}};
      record.attributes = out.keep(encode_attributes(attributes));
    }
  }
}

// What a bad disk, a bad cable or an enemy does: bytes flipped, cut, doubled, filled or exchanged.
inline std::string damage(std::mt19937_64& random, std::string bytes) {
  if (bytes.empty()) return random_bytes(random, 1);
  for (std::size_t times = 1 + random() % 3; times > 0; --times) {
    const std::size_t at = random() % bytes.size();
    const std::size_t size = std::min<std::size_t>(1 + random() % 16, bytes.size() - at);
    switch (random() % 6) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8))); break;
      case 1: bytes.resize(at + 1); break;
      case 2: bytes.insert(at, bytes.substr(at, size)); break;
      case 3: std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, '\xff'); break;
      case 4: bytes.replace(at, size, random_bytes(random, size)); break;
      default: std::swap(bytes[at], bytes[random() % bytes.size()]); break;
    }
  }
  return bytes;
}

}  // namespace silt::store
