#include "model/tokenizer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <queue>

#include "model/pretokenizer.h"
#include "model/weights_file.h"

namespace silt::model {
namespace {

using Rank = std::uint32_t;
constexpr Rank kNoRank = std::numeric_limits<Rank>::max();

std::size_t table_size(std::size_t entries) {
  std::size_t size = 16;
  while (size < 2 * entries) size *= 2;
  return size;
}

// (left, right) -> rank, open addressing, half full at most. Token ids fit 16 bits.
class MergeTable {
 public:
  explicit MergeTable(std::size_t merges) : slots_(table_size(merges)) {}

  bool insert(Token left, Token right, Rank rank) {
    Slot& slot = slots_[place(key(left, right))];
    if (slot.rank != kNoRank) return false;
    slot = {key(left, right), rank};
    return true;
  }

  Rank find(Token left, Token right) const { return slots_[place(key(left, right))].rank; }

 private:
  struct Slot {
    std::uint32_t key = 0;
    Rank rank = kNoRank;
  };

  static std::uint32_t key(Token left, Token right) {
    return static_cast<std::uint32_t>(left) << 16 | static_cast<std::uint32_t>(right);
  }

  std::size_t place(std::uint32_t wanted) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (wanted * 0x9E3779B97F4A7C15ull >> 32) & mask;
    while (slots_[i].rank != kNoRank && slots_[i].key != wanted) i = (i + 1) & mask;
    return i;
  }

  std::vector<Slot> slots_;
};

// Whole pieces -> token, for those that merge into one token: most pieces of a log never reach BPE.
class PieceTable {
 public:
  explicit PieceTable(std::size_t pieces) : slots_(table_size(pieces), kEmpty) {}

  void insert(std::string_view piece, Token token, const Tokenizer& tokenizer) {
    slots_[place(piece, tokenizer)] = token;
  }
  // kEmpty when there is none.
  Token find(std::string_view piece, const Tokenizer& tokenizer) const {
    return slots_[place(piece, tokenizer)];
  }

  static constexpr Token kEmpty = -1;

 private:
  std::size_t place(std::string_view piece, const Tokenizer& tokenizer) const {
    std::uint64_t hash = 0xCBF29CE484222325ull;  // FNV-1a
    for (const char c : piece) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ull;
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (hash ^ hash >> 32) & mask;
    while (slots_[i] != kEmpty && tokenizer.piece(slots_[i]) != piece) i = (i + 1) & mask;
    return i;
  }

  std::vector<Token> slots_;
};

class BpeTokenizer final : public Tokenizer {
 public:
  static Result<std::shared_ptr<const Tokenizer>> build(const WeightsFile& file, Pretokenizer pretokenizer);

  void encode(std::string_view text, std::vector<Token>& out) const override {
    while (!text.empty()) {
      const std::size_t size = first_piece(pretokenizer_, text);
      encode_piece(text.substr(0, size), out);
      text.remove_prefix(size);
    }
  }

  std::string_view piece(Token token) const override {
    if (token < 0 || token >= size()) return {};
    const std::size_t t = static_cast<std::size_t>(token);
    const std::size_t begin = static_cast<std::size_t>(offsets_[t]);
    return std::string_view(bytes_).substr(begin, static_cast<std::size_t>(offsets_[t + 1]) - begin);
  }

  int size() const override { return static_cast<int>(offsets_.size()) - 1; }
  Token start_token() const override { return start_token_; }

 private:
  BpeTokenizer(Pretokenizer pretokenizer, std::size_t merges, std::size_t pieces)
      : pretokenizer_(pretokenizer), merges_(merges), whole_(pieces) {}

  void encode_piece(std::string_view piece, std::vector<Token>& out) const {
    const Token whole = whole_.find(piece, *this);
    if (whole != PieceTable::kEmpty) {
      out.push_back(whole);
    } else if (piece.size() <= kShortPieceBytes) {
      merge_short(piece, out);
    } else {
      merge_long(piece, out);
    }
  }

  void merge_short(std::string_view piece, std::vector<Token>& out) const;
  void merge_long(std::string_view piece, std::vector<Token>& out) const;
  Status fill_merges(const WeightsFile& file, std::span<const std::int32_t> merges);
  Status fill_pieces(const WeightsFile& file);

  // Up to here a scan over all pairs beats a heap.
  static constexpr std::size_t kShortPieceBytes = 128;

  Pretokenizer pretokenizer_;
  std::string bytes_;
  std::vector<std::int32_t> offsets_;
  std::array<Token, 256> byte_tokens_{};
  MergeTable merges_;
  std::vector<Token> results_;  // by rank
  PieceTable whole_;
  Token start_token_ = 0;
};

// Applies the merge of lowest rank, leftmost first, until none is left. O(n^2), no allocation.
void BpeTokenizer::merge_short(std::string_view piece, std::vector<Token>& out) const {
  std::array<Token, kShortPieceBytes> tokens;
  std::array<Rank, kShortPieceBytes> ranks;  // of the pair (i, i + 1)
  std::size_t count = piece.size();
  for (std::size_t i = 0; i < count; ++i) tokens[i] = byte_tokens_[static_cast<std::uint8_t>(piece[i])];
  for (std::size_t i = 0; i + 1 < count; ++i) ranks[i] = merges_.find(tokens[i], tokens[i + 1]);
  while (count > 1) {
    const auto lowest = std::min_element(ranks.begin(), ranks.begin() + (count - 1));
    if (*lowest == kNoRank) break;
    const auto i = static_cast<std::size_t>(lowest - ranks.begin());
    tokens[i] = results_[*lowest];
    std::copy(tokens.begin() + i + 2, tokens.begin() + count, tokens.begin() + i + 1);
    std::copy(ranks.begin() + i + 1, ranks.begin() + (count - 1), ranks.begin() + i);
    --count;
    if (i > 0) ranks[i - 1] = merges_.find(tokens[i - 1], tokens[i]);
    if (i + 1 < count) ranks[i] = merges_.find(tokens[i], tokens[i + 1]);
  }
  out.insert(out.end(), tokens.begin(), tokens.begin() + count);
}

// The same result in O(n log n), for runs of letters or punctuation that never end.
void BpeTokenizer::merge_long(std::string_view piece, std::vector<Token>& out) const {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  struct Symbol {
    Token token;
    std::size_t previous, next;
  };
  struct Candidate {
    Rank rank;
    std::size_t left;
    Token left_token, right_token;  // stale when the symbols have changed since
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::vector<Symbol> symbols(piece.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](std::size_t left) {
    if (left == kNone || symbols[left].next == kNone) return;
    const Token a = symbols[left].token, b = symbols[symbols[left].next].token;
    const Rank rank = merges_.find(a, b);
    if (rank != kNoRank) queue.push({rank, left, a, b});
  };
  for (std::size_t i = 0; i < piece.size(); ++i) {
    symbols[i] = {byte_tokens_[static_cast<std::uint8_t>(piece[i])], i == 0 ? kNone : i - 1,
                  i + 1 == piece.size() ? kNone : i + 1};
  }
  for (std::size_t i = 0; i < piece.size(); ++i) consider(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    if (left.token != best.left_token || left.next == kNone) continue;
    Symbol& right = symbols[left.next];
    if (right.token != best.right_token) continue;
    left.token = results_[best.rank];
    right.token = PieceTable::kEmpty;  // no candidate matches it any more
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (std::size_t i = 0; i != kNone; i = symbols[i].next) out.push_back(symbols[i].token);
}

Status broken(const WeightsFile& file, const std::string& what) {
  return data_loss("weight file " + file.path() + " has a broken tokenizer: " + what + ": copy it again");
}

Result<std::shared_ptr<const Tokenizer>> BpeTokenizer::build(const WeightsFile& file,
                                                             Pretokenizer pretokenizer) {
  SILT_ASSIGN(const std::span<const std::byte> bytes, file.raw("tokenizer.bytes"));
  SILT_ASSIGN(std::vector<std::int32_t> offsets, file.integers("tokenizer.offsets"));
  SILT_ASSIGN(const std::vector<std::int32_t> merges, file.integers("tokenizer.merges"));
  const std::size_t vocabulary = offsets.size() - 1;
  if (vocabulary > std::numeric_limits<std::uint16_t>::max() + std::size_t{1}) {
    return broken(file, "more than 65,536 tokens");
  }
  if (offsets.front() != 0 || !std::is_sorted(offsets.begin(), offsets.end()) ||
      static_cast<std::size_t>(offsets.back()) != bytes.size()) {
    return broken(file, "its offsets do not divide its bytes");
  }
  std::shared_ptr<BpeTokenizer> out(new BpeTokenizer(pretokenizer, merges.size() / 3, vocabulary));
  out->bytes_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  out->offsets_ = std::move(offsets);

  const auto start = file.metadata().find("start_token");
  const std::string text = start == file.metadata().end() ? "" : start->second;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out->start_token_);
  if (failure != std::errc() || end != text.data() + text.size() || out->start_token_ < 0 ||
      out->start_token_ >= out->size() || !out->piece(out->start_token_).empty()) {
    return broken(file, "start_token \"" + text + "\" is not a token without bytes");
  }
  SILT_TRY(out->fill_merges(file, merges));
  SILT_TRY(out->fill_pieces(file));
  return std::shared_ptr<const Tokenizer>(std::move(out));
}

Status BpeTokenizer::fill_merges(const WeightsFile& file, std::span<const std::int32_t> merges) {
  results_.resize(merges.size() / 3);
  for (std::size_t rank = 0; rank < results_.size(); ++rank) {
    const Token left = merges[3 * rank], right = merges[3 * rank + 1], result = merges[3 * rank + 2];
    const std::string_view a = piece(left), b = piece(right), joined = piece(result);
    if (a.empty() || b.empty() || joined.size() != a.size() + b.size() || !joined.starts_with(a) ||
        !joined.ends_with(b)) {
      return broken(file, "merge " + std::to_string(rank) + " does not join its two pieces");
    }
    if (!merges_.insert(left, right, static_cast<Rank>(rank))) {
      return broken(file, "merge " + std::to_string(rank) + " repeats an earlier one");
    }
    results_[rank] = result;
  }
  return Status::ok();
}

Status BpeTokenizer::fill_pieces(const WeightsFile& file) {
  byte_tokens_.fill(PieceTable::kEmpty);
  for (Token t = 0; t < size(); ++t) {
    if (piece(t).size() == 1) byte_tokens_[static_cast<std::uint8_t>(piece(t)[0])] = t;
  }
  if (std::find(byte_tokens_.begin(), byte_tokens_.end(), PieceTable::kEmpty) != byte_tokens_.end()) {
    return broken(file, "not every byte has a token");
  }
  std::vector<Token> encoded;
  for (Token t = 0; t < size(); ++t) {
    if (piece(t).empty()) continue;
    encoded.clear();
    encode_piece(piece(t), encoded);  // also finds tokens that merges never reach: those stay out
    if (encoded.size() == 1 && encoded[0] == t) whole_.insert(piece(t), t, *this);
  }
  return Status::ok();
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::load(const WeightsFile& file) {
  const auto field = [&](std::string_view key) {
    const auto it = file.metadata().find(key);
    return it == file.metadata().end() ? std::string() : it->second;
  };
  const std::optional<Pretokenizer> pretokenizer = pretokenizer_named(field("pretokenizer"));
  if (field("tokenizer") != "byte-bpe" || !pretokenizer) {
    return invalid_argument("weight file " + file.path() + " needs tokenizer \"" + field("tokenizer") +
                            "\" over \"" + field("pretokenizer") + "\": install a newer silt");
  }
  return BpeTokenizer::build(file, *pretokenizer);
}

std::string Tokenizer::decode(std::span<const Token> tokens) const {
  std::string out;
  for (const Token token : tokens) out += piece(token);
  return out;
}

}  // namespace silt::model
