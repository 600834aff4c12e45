#include "daemon/store/chunk.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "daemon/store/compress.h"
#include "daemon/store/sha256.h"

namespace silt::store {
namespace {

constexpr std::uint8_t kFormat = 2;
constexpr std::size_t kPlainBytes = 1024;  // a body up to here is not compressed

enum Packing : std::uint8_t { kPlain = 0, kLz4 = 1 };

// What of a record is not as predicted from the one before, and therefore follows.
enum Differs : std::uint8_t {
  kArrival = 1,      // predicted: the same
  kTold = 2,         // the same
  kPlace = 4,        // the same
  kGeneration = 8,   // the same
  kBegin = 16,       // the previous end + 1: the line end
  kEnd = 32,         // begin + size of the text
  kMarks = 64,       // flags 0 and nothing cut
  kAttributes = 128  // none
};

struct Header {
  ChunkInfo info;
  Packing packing = kPlain;
  std::uint64_t body_bytes = 0;  // unpacked
  Sha256 texts_hash{};
  std::uint64_t body_sum = 0;  // of the packed body
};

std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::uint32_t checksum(std::string_view header) {
  return static_cast<std::uint32_t>(digest_of(header).low);
}

void write_header(const Header& header, ByteWriter& out) {
  out.u8(kFormat);
  out.varint(header.info.records);
  out.varint(header.info.text_bytes);
  out.varint(zigzag(header.info.min_arrival_us));
  out.varint(static_cast<std::uint64_t>(minus(header.info.max_arrival_us, header.info.min_arrival_us)));
  out.u8(header.packing);
  out.varint(header.body_bytes);
  out.raw(header.texts_hash.data(), header.texts_hash.size());
  out.u64(header.body_sum);
  out.u32(checksum(out.bytes()));
}

// Leaves `in` at the body.
Status read_header(std::string_view bytes, ByteReader& in, Header& header) {
  const std::uint8_t format = in.u8();
  if (!in.ok()) return data_loss("chunk: it is empty");
  if (format != kFormat) return data_loss("chunk: format " + std::to_string(format) + " is not known");
  const std::uint64_t records = in.varint();
  header.info.text_bytes = in.varint();
  header.info.min_arrival_us = unzigzag(in.varint());
  header.info.max_arrival_us = plus(header.info.min_arrival_us, static_cast<std::int64_t>(in.varint()));
  const std::uint8_t packing = in.u8();
  header.body_bytes = in.varint();
  in.raw(header.texts_hash.data(), header.texts_hash.size());
  header.body_sum = in.u64();
  const std::size_t size = bytes.size() - in.remaining();
  const std::uint32_t sum = in.u32();
  if (!in.ok()) return data_loss("chunk: it ends inside its header");
  if (sum != checksum(bytes.substr(0, size))) return data_loss("chunk: the header fails its checksum");
  if (packing > kLz4 || records > kChunkRecordsMax || header.body_bytes > kChunkBytesMax ||
      header.info.text_bytes > header.body_bytes) {
    return data_loss("chunk: the header says what no chunk can be");
  }
  header.info.records = static_cast<std::uint32_t>(records);
  header.packing = static_cast<Packing>(packing);
  return Status::ok();
}

// Places get numbers in the order in which they first come.
class PlaceNumbers {
 public:
  explicit PlaceNumbers(std::span<const RecordView> records) {
    for (const RecordView& record : records) number_of(record.origin.place);
  }
  std::uint32_t number_of(std::string_view place) {
    if (!places_.empty() && places_[last_] == place) return last_;
    const auto [entry, is_new] = numbers_.try_emplace(place, static_cast<std::uint32_t>(places_.size()));
    if (is_new) places_.push_back(place);
    return last_ = entry->second;
  }
  std::span<const std::string_view> places() const { return places_; }

 private:
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::vector<std::string_view> places_;
  std::uint32_t last_ = 0;
};

// The fields of the previous record, from which the next one's are predicted.
struct Previous {
  std::int64_t arrival_us = 0;
  std::int64_t told_us = 0;
  std::uint64_t place = 0;
  std::uint64_t generation = 0;
  std::uint64_t end = ~std::uint64_t{0};  // so that a first record is predicted to begin at 0
};

void write_record(const RecordView& record, std::uint32_t place, Previous& last, ByteWriter& out) {
  const OriginView& origin = record.origin;
  const std::uint64_t begin = last.end + 1;
  const std::uint64_t end = origin.begin + record.text.size();
  const auto if_differs = [](bool differs, Differs bit) { return static_cast<unsigned>(differs ? bit : 0); };
  const unsigned differs = if_differs(record.arrival_us != last.arrival_us, kArrival) |
                           if_differs(record.told_us != last.told_us, kTold) |
                           if_differs(place != last.place, kPlace) |
                           if_differs(origin.generation != last.generation, kGeneration) |
                           if_differs(origin.begin != begin, kBegin) | if_differs(origin.end != end, kEnd) |
                           if_differs(record.flags != 0 || record.bytes_cut != 0, kMarks) |
                           if_differs(!record.attributes.empty(), kAttributes);
  out.u8(static_cast<std::uint8_t>(differs));
  out.varint(record.text.size());
  if (differs & kArrival) out.varint(zigzag(minus(record.arrival_us, last.arrival_us)));
  if (differs & kTold) out.varint(zigzag(minus(record.told_us, last.told_us)));
  if (differs & kPlace) out.varint(place);
  if (differs & kGeneration) out.varint(origin.generation);
  if (differs & kBegin) out.varint(origin.begin);
  if (differs & kEnd) out.varint(zigzag(static_cast<std::int64_t>(origin.end - end)));
  if (differs & kMarks) {
    out.varint(record.flags);
    out.varint(record.bytes_cut);
  }
  if (differs & kAttributes) out.string(record.attributes);
  last = {record.arrival_us, record.told_us, place, origin.generation, origin.end};
}

// All but the text. False: the bytes end, or a number is out of range.
bool read_record(ByteReader& in, std::span<const std::string_view> places, Previous& last, RecordView& record,
                 std::uint64_t& text_size) {
  const std::uint8_t differs = in.u8();
  text_size = in.varint();
  if (differs & kArrival) last.arrival_us = plus(last.arrival_us, unzigzag(in.varint()));
  if (differs & kTold) last.told_us = plus(last.told_us, unzigzag(in.varint()));
  if (differs & kPlace) last.place = in.varint();
  if (differs & kGeneration) last.generation = in.varint();
  const std::uint64_t begin = differs & kBegin ? in.varint() : last.end + 1;
  last.end = begin + text_size;
  if (differs & kEnd) last.end += static_cast<std::uint64_t>(unzigzag(in.varint()));
  std::uint64_t flags = 0;
  if (differs & kMarks) {
    flags = in.varint();
    record.bytes_cut = in.varint();
  }
  if (differs & kAttributes) record.attributes = in.string();
  if (!in.ok() || last.place >= places.size() || flags > ~std::uint32_t{0}) return false;
  record.flags = static_cast<std::uint32_t>(flags);
  record.arrival_us = last.arrival_us;
  record.told_us = last.told_us;
  record.origin = {places[last.place], last.generation, begin, last.end};
  return true;
}

// places | records without texts | texts
std::string encode_body(std::span<const RecordView> records, Header& header) {
  ByteWriter out;
  PlaceNumbers numbers(records);
  out.varint(numbers.places().size());
  for (const std::string_view place : numbers.places()) out.string(place);
  Previous last{.arrival_us = header.info.min_arrival_us};
  std::vector<std::uint32_t> lengths;
  lengths.reserve(records.size());
  for (const RecordView& record : records) {
    write_record(record, numbers.number_of(record.origin.place), last, out);
    lengths.push_back(static_cast<std::uint32_t>(record.text.size()));
    header.info.text_bytes += record.text.size();
  }
  std::string body = out.take();
  body.reserve(body.size() + header.info.text_bytes);
  for (const RecordView& record : records) body.append(record.text);
  header.body_bytes = body.size();
  header.texts_hash =
      sha256_of_texts(lengths, std::string_view(body).substr(body.size() - header.info.text_bytes));
  return body;
}

Result<std::string> unpack_body(std::string_view packed, const Header& header) {
  if (digest_of(packed).low != header.body_sum) return data_loss("chunk: the body fails its checksum");
  if (header.packing == kPlain) {
    if (packed.size() != header.body_bytes)
      return data_loss("chunk: the body has another size than its header says");
    return std::string(packed);
  }
  std::string body(header.body_bytes, '\0');
  SILT_TRY(unpack_lz4(packed, body.data(), body.size()).with_context("chunk"));
  return body;
}

Result<std::vector<std::string_view>> read_places(ByteReader& in, std::uint32_t records) {
  const std::uint64_t count = in.varint();
  if (count > records) return data_loss("chunk: more places than records");
  std::vector<std::string_view> places;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) places.push_back(in.string());
  if (!in.ok()) return data_loss("chunk: the body ends inside its places");
  return places;
}

}  // namespace

std::string encode_chunk(std::span<const RecordView> records) {
  SILT_CHECK(records.size() <= kChunkRecordsMax);
  Header header;
  header.info.records = static_cast<std::uint32_t>(records.size());
  if (!records.empty()) {
    const auto [least, greatest] = std::ranges::minmax(records, {}, &RecordView::arrival_us);
    header.info.min_arrival_us = least.arrival_us;
    header.info.max_arrival_us = greatest.arrival_us;
  }
  std::string body = encode_body(records, header);
  SILT_CHECK(body.size() <= kChunkBytesMax);
  if (body.size() > kPlainBytes) {
    std::string packed;
    lz4_append(body, packed);
    if (packed.size() < body.size()) {
      header.packing = kLz4;
      body = std::move(packed);
    }
  }
  header.body_sum = digest_of(body).low;
  ByteWriter out;
  write_header(header, out);
  out.raw(body.data(), body.size());
  return out.take();
}

Result<RecordBlock> decode_chunk(std::string_view bytes, Seq first_seq) {
  ByteReader outer(bytes);
  Header header;
  SILT_TRY(read_header(bytes, outer, header));
  SILT_ASSIGN(std::string unpacked, unpack_body(bytes.substr(bytes.size() - outer.remaining()), header));
  auto owner = std::make_unique<std::string[]>(1);
  owner[0] = std::move(unpacked);
  const std::string_view body = owner[0];
  const std::string_view texts = body.substr(body.size() - header.info.text_bytes);
  ByteReader in(body.substr(0, body.size() - texts.size()));
  SILT_ASSIGN(const std::vector<std::string_view> places, read_places(in, header.info.records));
  if (header.info.records > in.remaining() / 2) return data_loss("chunk: more records than bytes");
  std::vector<RecordView> records(header.info.records);
  std::vector<std::uint32_t> lengths(header.info.records);
  Previous last{.arrival_us = header.info.min_arrival_us};
  std::size_t at = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::uint64_t size = 0;
    if (!read_record(in, places, last, records[i], size) || size > texts.size() - at) {
      return data_loss("chunk: record " + std::to_string(i) + " does not fit");
    }
    records[i].seq = first_seq + i;
    records[i].text = texts.substr(at, size);
    lengths[i] = static_cast<std::uint32_t>(size);
    at += size;
  }
  if (in.remaining() > 0 || at != texts.size()) return data_loss("chunk: bytes are left over");
  if (sha256_of_texts(lengths, texts) != header.texts_hash)
    return data_loss("chunk: the texts fail their SHA-256");
  return RecordBlock(std::move(owner), std::move(records));
}

Result<ChunkInfo> peek_chunk(std::string_view bytes) {
  ByteReader in(bytes);
  Header header;
  SILT_TRY(read_header(bytes, in, header));
  return header.info;
}

}  // namespace silt::store
