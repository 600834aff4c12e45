// RecallMemory: what followed, last time, in the places of a source's stream that look like this one.
//
// Where a stream stands is described by kRecallContexts contexts: the last 1, 2, 3, 5 and 8 tokens; the
// field read so far (fields end at blanks), alone and with the field two before it; and the token at the
// same place of the same field one line above, with the place and with the last token too. A hash table
// keeps for each context the last two different tokens that followed it and how well the newer one did.
// An identifier that comes back after thousands of lines is found by its first few characters.
//
// Deterministic: a function of the tokens read. The table is of bounded size and forgets first what came up
// once and never again, then what came up longest ago; of its buckets it holds those that were touched.
// Copyable; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "model/ops/backend.h"

namespace silt::model {

constexpr int kRecallContexts = 9;

// What a token's bytes do to lines and fields; bits of a byte per token of the vocabulary.
enum TokenMark : std::uint8_t { kEndsLine = 1, kBlank = 2 };
std::uint8_t token_marks(std::string_view piece);

// What one context knows of the coming token. -1: nothing.
struct RecallHint {
  Token newest = -1;  // what followed last
  Token older = -1;   // the last other token that followed
  int record = 0;     // the newest's record of right and wrong, below kRecallRecords
};
constexpr int kRecallRecords = 72;
using RecallHints = std::array<RecallHint, kRecallContexts>;

class RecallMemory {
 public:
  explicit RecallMemory(int slots_log2);

  std::uint64_t bytes() const;
  static std::uint64_t bytes_max(int slots_log2);

  // Reads the stream's next token: what was known of it before, then keeps it.
  RecallHints read(Token token, std::uint8_t marks);

  void digest(Digester& digester) const;
  void encode(ByteWriter& writer) const;
  // Of a memory of the same size. False, and rubbish in this one, when the bytes are not one.
  bool decode(ByteReader& reader, int vocabulary);

 private:
  static constexpr int kTokensKept = 8;
  static constexpr std::size_t kWays = 8;     // slots that a context may lie in: a bucket, a cache line
  static constexpr std::size_t kEntry = 5;    // a new context's place in its bucket
  static constexpr int kLineTokensMax = 512;  // a longer line counts as several
  static constexpr std::uint16_t kNone = 65535;

  struct Slot {
    std::uint16_t check = 0;  // 0: empty
    std::uint16_t newest = 0;
    std::uint16_t older = kNone;
    std::uint8_t history = 1;  // right and wrong of the last five times, newest lowest, behind a leading 1
    std::uint8_t run = 0;      // how often in a row the newest was right
  };
  static_assert(sizeof(Slot) == 8);  // stored as it lies in memory

  using Bucket = std::array<Slot, kWays>;

  // The touched buckets by their number, in the order in which they were first touched: a hash table of
  // places in that order, which grows by doubling until every number has a place of its own.
  class Buckets {
   public:
    explicit Buckets(std::uint32_t count) : count_(count) {}

    std::uint32_t count() const { return count_; }  // that there may be
    Bucket* find(std::uint32_t number);             // null: never touched
    Bucket& touch(std::uint32_t number);            // moves the others
    std::uint64_t bytes() const;
    void encode(const std::function<void(const ByteWriter& piece)>& put) const;
    bool decode(ByteReader& reader, int vocabulary);

    static constexpr std::size_t kBucketsAPiece = 64;
    static constexpr std::size_t kPlacesMin = 64;

   private:
    std::size_t probe(std::uint32_t number) const;
    void grow();

    std::uint32_t count_;
    std::vector<std::uint32_t> numbers_;
    std::vector<Bucket> buckets_;
    std::vector<std::uint32_t>
        places_;  // index + 1 into both; 0: none; at most half are taken, until all have one
  };

  struct Line {
    std::vector<std::uint16_t> tokens;
    std::vector<std::uint16_t> fields;  // where they begin; the first at 0
  };

  struct Place {
    std::uint16_t check;
    std::uint32_t bucket;
    bool known;
  };

  static int record_of(const Slot& slot);
  static void confirm(Slot& slot, Token token);
  static Slot* find(Bucket& bucket, std::uint16_t check);
  void keep(const Place& place, Token token);
  std::array<std::uint64_t, kRecallContexts> contexts() const;
  std::uint32_t above() const;
  void move_on(Token token, std::uint8_t marks);
  void encode_place(ByteWriter& writer) const;
  bool decode_place(ByteReader& reader, int vocabulary);

  Buckets buckets_;
  std::uint64_t tokens_ = 0;
  std::array<std::uint32_t, kTokensKept> last_{};  // newest first, plus 1; 0: before the stream
  std::array<std::uint64_t, 3> fields_{};          // hashes: of the field so far, then of those before it
  Line line_, line_above_;
};

}  // namespace silt::model
