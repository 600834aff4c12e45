#include "model/recall_memory.h"

#include <algorithm>
#include <bit>
#include <span>

#include "base/check.h"

namespace silt::model {
namespace {

static_assert(std::endian::native == std::endian::little);  // slots are stored as they lie in memory

std::uint64_t join(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
  return hash ^ (hash >> 29);
}

// Contexts in the order of the hints. The long ones, from kLongSpan on, are kept only where the next
// shorter one was known: what follows a text seen once is found by the shorter one.
constexpr std::array<int, 5> kSpans = {1, 2, 3, 5, 8};
constexpr std::size_t kLongSpan = 3;  // of kSpans

}  // namespace

std::uint8_t token_marks(std::string_view piece) {
  if (piece.find('\n') != piece.npos) return kEndsLine;
  return piece.find_first_of(" \t") != piece.npos ? kBlank : 0;
}

RecallMemory::RecallMemory(int slots_log2)
    : buckets_(static_cast<std::uint32_t>((std::size_t{1} << slots_log2) / kWays)), line_{{}, {0}} {
  SILT_CHECK(slots_log2 >= kRecallSlotsLog2Min && slots_log2 <= kRecallSlotsLog2Max);
}

std::uint64_t RecallMemory::bytes() const {
  std::uint64_t bytes = sizeof *this + buckets_.bytes();
  for (const Line* line : {&line_, &line_above_})
    bytes += (line->tokens.capacity() + line->fields.capacity()) * sizeof(std::uint16_t);
  return bytes;
}

std::uint64_t RecallMemory::bytes_max(int slots_log2) {
  const std::uint64_t buckets = (std::uint64_t{1} << slots_log2) / kWays;
  const std::uint64_t lines = std::uint64_t{4} * 2 * kLineTokensMax * sizeof(std::uint16_t);
  return sizeof(RecallMemory) + lines + buckets * (sizeof(Bucket) + 2 * sizeof(std::uint32_t)) +
         Buckets::kPlacesMin * sizeof(std::uint32_t);
}

// 1 to 62: the history; from 64: it is all right, by the length of the run.
int RecallMemory::record_of(const Slot& slot) {
  if (slot.history != 63) return slot.history;
  int record = 64;
  for (const int length : {8, 12, 16, 24, 32, 64, 255}) record += slot.run >= length ? 1 : 0;
  return record;
}

// The token at this place of this field in the line above, plus 2; 1: the field is shorter there, 0: it
// has no such field.
std::uint32_t RecallMemory::above() const {
  const std::size_t field = line_.fields.size() - 1;
  if (field >= line_above_.fields.size()) return 0;
  const std::size_t at = line_above_.fields[field] + (line_.tokens.size() - line_.fields[field]);
  const std::size_t end =
      field + 1 < line_above_.fields.size() ? line_above_.fields[field + 1] : line_above_.tokens.size();
  return at < end ? line_above_.tokens[at] + 2U : 1U;
}

std::array<std::uint64_t, kRecallContexts> RecallMemory::contexts() const {
  std::array<std::uint64_t, kRecallContexts> hashes{};
  std::uint64_t span = 0;
  std::size_t next = 0;
  for (int back = 1; back <= kTokensKept; ++back) {
    span = join(span, last_[static_cast<std::size_t>(back - 1)]);
    if (next < kSpans.size() && back == kSpans[next]) hashes[next++] = span;
  }
  std::uint64_t column = join(above(), line_.fields.size());
  column = join(column, line_.tokens.size() - line_.fields.back());
  hashes[next++] = fields_[0];
  hashes[next++] = join(fields_[0], fields_[2]);
  hashes[next++] = column;
  hashes[next++] = join(column, last_[0]);
  for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = join(join(hashes[i], i + 1), 1);
  return hashes;
}

RecallHints RecallMemory::read(Token token, std::uint8_t marks) {
  const std::array<std::uint64_t, kRecallContexts> hashes = contexts();
  std::array<Place, kRecallContexts> places;
  RecallHints hints;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Place& place = places[i];
    place.check = static_cast<std::uint16_t>(hashes[i] >> 48 | 1);
    place.bucket = static_cast<std::uint32_t>(hashes[i] >> 20) / kWays & (buckets_.count() - 1);
    Bucket* const bucket = buckets_.find(place.bucket);
    const Slot* const slot = bucket == nullptr ? nullptr : find(*bucket, place.check);
    place.known = slot != nullptr;
    if (slot == nullptr) continue;
    hints[i].newest = slot->newest;
    if (slot->older != kNone) hints[i].older = slot->older;
    hints[i].record = record_of(*slot);
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool is_long = i >= kLongSpan && i < kSpans.size();
    if (places[i].known || !is_long || places[i - 1].known) keep(places[i], token);
  }
  move_on(token, marks);
  return hints;
}

RecallMemory::Slot* RecallMemory::find(Bucket& bucket, std::uint16_t check) {
  Slot* const slot =
      std::find_if(bucket.begin(), bucket.end(), [&](const Slot& one) { return one.check == check; });
  return slot == bucket.end() ? nullptr : slot;
}

// A bucket lies in the order in which it is forgotten, the last slot first. What comes up again moves to
// the front; what is new takes an empty slot or enters behind the middle and pushes out the last
// (segmented LRU).
void RecallMemory::keep(const Place& place, Token token) {
  Bucket& bucket = buckets_.touch(place.bucket);
  Slot* slot =
      find(bucket, place.check);  // another context of this token may have moved it, or pushed it out
  if (slot != nullptr) {
    confirm(*slot, token);
    std::rotate(bucket.begin(), slot, slot + 1);
    return;
  }
  slot = find(bucket, 0);
  if (slot == nullptr) {
    slot = bucket.data() + kEntry;
    std::move_backward(slot, bucket.end() - 1, bucket.end());
  }
  *slot = Slot{.check = place.check, .newest = static_cast<std::uint16_t>(token)};
}

void RecallMemory::confirm(Slot& slot, Token token) {
  const bool right = slot.newest == token;
  const int history = slot.history << 1 | (right ? 1 : 0);
  slot.history = static_cast<std::uint8_t>(slot.history >= 32 ? (history & 31) | 32 : history);
  if (right) {
    if (slot.run < 255) ++slot.run;
    return;
  }
  slot.run = 0;
  slot.older = slot.newest;
  slot.newest = static_cast<std::uint16_t>(token);
}

void RecallMemory::move_on(Token token, std::uint8_t marks) {
  const auto id = static_cast<std::uint16_t>(token);
  ++tokens_;
  for (std::size_t i = last_.size() - 1; i > 0; --i) last_[i] = last_[i - 1];
  last_[0] = id + 1U;
  if ((marks & kEndsLine) != 0 || line_.tokens.size() + 1 == kLineTokensMax) {
    line_.tokens.push_back(id);
    std::swap(line_above_, line_);
    line_.tokens.clear();
    line_.fields.assign(1, 0);
    fields_ = {1, 0, 0};
    return;
  }
  if ((marks & kBlank) != 0) {  // the blank begins the field that it stands in front of
    line_.fields.push_back(static_cast<std::uint16_t>(line_.tokens.size()));
    fields_ = {join(2, id), fields_[0], fields_[1]};
  } else {
    fields_[0] = join(fields_[0], id);
  }
  line_.tokens.push_back(id);
}

// Of the bytes of encode(), without a megabyte in one piece.
void RecallMemory::digest(Digester& digester) const {
  ByteWriter place;
  encode_place(place);
  digester.update(place.bytes());
  buckets_.encode([&](const ByteWriter& piece) { digester.update(piece.bytes()); });
}

void RecallMemory::encode(ByteWriter& writer) const {
  encode_place(writer);
  buckets_.encode([&](const ByteWriter& piece) { writer.raw(piece.bytes().data(), piece.bytes().size()); });
}

bool RecallMemory::decode(ByteReader& reader, int vocabulary) {
  return decode_place(reader, vocabulary) && buckets_.decode(reader, vocabulary);
}

// --- buckets ----------------------------------------------------------------------------------

// Where the number's place is, or would be.
std::size_t RecallMemory::Buckets::probe(std::uint32_t number) const {
  std::size_t at = number & (places_.size() - 1);
  while (places_[at] != 0 && numbers_[places_[at] - 1] != number) at = (at + 1) & (places_.size() - 1);
  return at;
}

RecallMemory::Bucket* RecallMemory::Buckets::find(std::uint32_t number) {
  if (places_.empty()) return nullptr;
  const std::uint32_t place = places_[probe(number)];
  return place == 0 ? nullptr : &buckets_[place - 1];
}

RecallMemory::Bucket& RecallMemory::Buckets::touch(std::uint32_t number) {
  if (Bucket* const bucket = find(number); bucket != nullptr) return *bucket;
  if (2 * numbers_.size() >= places_.size() && places_.size() < count_) grow();
  const std::size_t at = probe(number);  // before the number is known
  numbers_.push_back(number);
  places_[at] = static_cast<std::uint32_t>(numbers_.size());
  return buckets_.emplace_back();
}

void RecallMemory::Buckets::grow() {
  places_.assign(std::min<std::size_t>(count_, std::max(kPlacesMin, 2 * places_.size())), 0);
  for (std::size_t i = 0; i < numbers_.size(); ++i)
    places_[probe(numbers_[i])] = static_cast<std::uint32_t>(i + 1);
}

std::uint64_t RecallMemory::Buckets::bytes() const {
  return buckets_.capacity() * sizeof(Bucket) +
         (numbers_.capacity() + places_.capacity()) * sizeof(std::uint32_t);
}

// How many there may be, how many there are, and of each its number, how many of its slots
// are taken, and those: they come first.
void RecallMemory::Buckets::encode(const std::function<void(const ByteWriter& piece)>& put) const {
  ByteWriter head;
  head.u32(count_);
  head.varint(buckets_.size());
  put(head);
  for (std::size_t first = 0; first < buckets_.size(); first += kBucketsAPiece) {
    ByteWriter piece;
    for (std::size_t i = first; i < std::min(buckets_.size(), first + kBucketsAPiece); ++i) {
      const Bucket& bucket = buckets_[i];
      const auto taken = static_cast<std::uint8_t>(
          std::count_if(bucket.begin(), bucket.end(), [](const Slot& slot) { return slot.check != 0; }));
      piece.varint(numbers_[i]);
      piece.u8(taken);
      piece.raw(bucket.data(), taken * sizeof(Slot));
    }
    put(piece);
  }
}

bool RecallMemory::Buckets::decode(ByteReader& reader, int vocabulary) {
  *this = Buckets(count_);
  if (reader.u32() != count_) return false;
  const std::uint64_t buckets = reader.varint();
  for (std::uint64_t i = 0; i < buckets && reader.ok(); ++i) {
    const std::uint64_t number = reader.varint();
    const std::uint8_t taken = reader.u8();
    if (number >= count_ || taken == 0 || taken > kWays) return false;
    if (find(static_cast<std::uint32_t>(number)) != nullptr) return false;
    Bucket& bucket = touch(static_cast<std::uint32_t>(number));
    reader.raw(bucket.data(), taken * sizeof(Slot));
    for (const Slot& slot : std::span(bucket).first(taken)) {
      const bool older_fits = slot.older == kNone || slot.older < vocabulary;
      if (slot.check == 0 || slot.newest >= vocabulary || !older_fits) return false;
      if (slot.history == 0 || slot.history > 63) return false;
    }
  }
  return reader.ok();
}

// --- where the stream stands ------------------------------------------------------------------

void RecallMemory::encode_place(ByteWriter& writer) const {
  writer.u64(tokens_);
  for (const std::uint32_t token : last_) writer.u32(token);
  for (const std::uint64_t field : fields_) writer.u64(field);
  for (const Line* line : {&line_, &line_above_}) {
    for (const std::vector<std::uint16_t>* part : {&line->tokens, &line->fields}) {
      writer.varint(part->size());
      for (const std::uint16_t value : *part) writer.u16(value);
    }
  }
}

bool RecallMemory::decode_place(ByteReader& reader, int vocabulary) {
  tokens_ = reader.u64();
  for (std::uint32_t& token : last_) token = reader.u32();
  for (std::uint64_t& field : fields_) field = reader.u64();
  for (Line* line : {&line_, &line_above_}) {
    for (std::vector<std::uint16_t>* part : {&line->tokens, &line->fields}) {
      const std::uint64_t size = reader.varint();
      if (!reader.ok() || size > kLineTokensMax) return false;
      part->resize(size);
      for (std::uint16_t& value : *part) value = reader.u16();
    }
    for (const std::uint16_t token : line->tokens) {
      if (token >= vocabulary) return false;
    }
    for (std::size_t i = 0; i < line->fields.size(); ++i) {
      const bool ordered = i == 0 ? line->fields[0] == 0 : line->fields[i] >= line->fields[i - 1];
      if (!ordered || line->fields[i] > line->tokens.size()) return false;
    }
  }
  // The open line has room: it ends when its last place is taken.
  return reader.ok() && !line_.fields.empty() && line_.tokens.size() < kLineTokensMax;
}

}  // namespace silt::model
