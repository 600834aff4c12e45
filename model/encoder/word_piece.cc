#include "model/encoder/word_piece.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace silt::model {
namespace {

constexpr std::int32_t kWord = 0, kSpace = 1, kDropped = 2, kAlone = 3;  // classes of code points
constexpr std::string_view kContinues = "##";
constexpr std::int32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3;

// A tensor of the file as an array of `T`s, each of `columns` elements of the tensor's type.
template <class T>
Result<std::span<const T>> mapped(const SafetensorsFile& file, std::string_view name, DataType type,
                                  std::int64_t columns) {
  SILT_ASSIGN(const StoredTensor* tensor, file.find(name));
  const Shape wanted = columns == 1 ? Shape{-1} : Shape{-1, columns};
  if (tensor->type != type || tensor->shape.size() != wanted.size() || tensor->shape.back() < 0 ||
      (columns > 1 && tensor->shape.back() != columns)) {
    return file.damaged("has tensor \"" + std::string(name) + "\" of shape " + to_string(tensor->shape) +
                        " instead of " + to_string(wanted));
  }
  const std::span<const std::byte> bytes = file.bytes_of(*tensor);
  return std::span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
}

Result<std::int32_t> number(const SafetensorsFile& file, std::string_view key, std::int32_t end) {
  const std::string_view text = file.metadata(key);
  std::int32_t value = -1;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size() || value < 0 || value >= end) {
    return file.damaged("has no \"" + std::string(key) + "\" from 0 to " + std::to_string(end - 1));
  }
  return value;
}

}  // namespace

Result<WordPiece> WordPiece::load(const SafetensorsFile& file) {
  WordPiece out;
  SILT_ASSIGN(out.bytes_, mapped<char>(file, "tokenizer.bytes", DataType::kU8, 1));
  SILT_ASSIGN(out.offsets_, mapped<std::int32_t>(file, "tokenizer.offsets", DataType::kI32, 1));
  SILT_ASSIGN(out.order_, mapped<std::int32_t>(file, "tokenizer.order", DataType::kI32, 1));
  SILT_ASSIGN(out.classes_, mapped<ClassRange>(file, "tokenizer.classes", DataType::kI32, 3));
  SILT_ASSIGN(out.folds_, mapped<Fold>(file, "tokenizer.folds", DataType::kI32, 4));
  SILT_ASSIGN(out.unknown_, number(file, "unknown_token", out.size()));
  SILT_ASSIGN(out.start_, number(file, "start_token", out.size()));
  SILT_ASSIGN(out.end_, number(file, "end_token", out.size()));
  SILT_ASSIGN(out.word_characters_max_, number(file, "word_characters_max", 1 << 20));
  SILT_TRY(out.check(file));
  return out;
}

Status WordPiece::check(const SafetensorsFile& file) const {
  if (offsets_.size() != order_.size() + 1 || offsets_.front() != 0 ||
      offsets_.back() != static_cast<std::int64_t>(bytes_.size()) ||
      !std::is_sorted(offsets_.begin(), offsets_.end())) {
    return file.damaged("has tokenizer.offsets that do not cut tokenizer.bytes into one piece a token");
  }
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (order_[i] < 0 || order_[i] >= size() || (i > 0 && piece(order_[i - 1]) >= piece(order_[i]))) {
      return file.damaged("has a tokenizer.order that is not that of the pieces");
    }
  }
  std::int32_t last = -1;
  for (const ClassRange& range : classes_) {
    if (range.first <= last || range.last < range.first || range.kind < kSpace || range.kind > kAlone) {
      return file.damaged("has tokenizer.classes out of order or of an unknown class");
    }
    last = range.last;
  }
  last = -1;
  for (const Fold& fold : folds_) {
    const bool fits = std::all_of(std::begin(fold.parts), std::end(fold.parts),
                                  [](std::int32_t part) { return part >= 0 && part <= 0x10ffff; });
    if (fold.code <= last || !fits) return file.damaged("has tokenizer.folds out of order or range");
    last = fold.code;
  }
  return Status::ok();
}

std::string_view WordPiece::piece(std::int32_t token) const {
  const auto begin = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(token)]);
  const auto end = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(token) + 1]);
  return {bytes_.data() + begin, end - begin};
}

std::int32_t WordPiece::class_of(std::int32_t code) const {
  const auto it = std::upper_bound(classes_.begin(), classes_.end(), code,
                                   [](std::int32_t c, const ClassRange& range) { return c < range.first; });
  if (it == classes_.begin()) return kWord;
  return code <= std::prev(it)->last ? std::prev(it)->kind : kWord;
}

int WordPiece::fold(std::int32_t code, std::int32_t (&parts)[3]) const {
  if (code >= kHangulFirst && code <= kHangulLast) {  // the Unicode standard, section 3.12
    const std::int32_t index = code - kHangulFirst;
    parts[0] = 0x1100 + index / 588;
    parts[1] = 0x1161 + index % 588 / 28;
    parts[2] = 0x11A7 + index % 28;
    return index % 28 == 0 ? 2 : 3;
  }
  const auto it = std::lower_bound(folds_.begin(), folds_.end(), code,
                                   [](const Fold& fold, std::int32_t c) { return fold.code < c; });
  if (it == folds_.end() || it->code != code) {
    parts[0] = code;
    return 1;
  }
  std::copy(std::begin(it->parts), std::end(it->parts), parts);
  return parts[1] == 0 ? 1 : parts[2] == 0 ? 2 : 3;
}

// The word that is being read, and the tokens of those before it.
class WordPiece::Words {
 public:
  Words(const WordPiece& pieces, std::vector<std::int32_t>& tokens) : pieces_(pieces), tokens_(tokens) {}

  void add(std::int32_t code) {
    const std::int32_t kind = pieces_.class_of(code);
    if (kind == kDropped) return;
    if (kind != kWord) end_word();
    if (kind == kSpace) return;
    if (++characters_ <= pieces_.word_characters_max_) append_utf8(static_cast<char32_t>(code), word_);
    if (kind == kAlone) end_word();
  }

  void end_word() {
    if (characters_ > pieces_.word_characters_max_) {
      tokens_.push_back(pieces_.unknown_);
    } else if (characters_ > 0) {
      pieces_.encode_word(word_, tokens_);
    }
    word_.clear();
    characters_ = 0;
  }

 private:
  const WordPiece& pieces_;
  std::vector<std::int32_t>& tokens_;
  std::string word_;
  int characters_ = 0;  // of the word, those beyond the limit too, which word_ does not hold
};

void WordPiece::encode(std::string_view text, int tokens_max, std::vector<std::int32_t>& tokens) const {
  const auto room = static_cast<std::size_t>(std::max(tokens_max, 2) - 1);
  tokens.assign(1, start_);
  Words words(*this, tokens);
  while (!text.empty() && tokens.size() < room) {
    const Utf8Char next = decode_utf8(text);
    text.remove_prefix(next.size);
    if (!next.valid) continue;
    std::int32_t parts[3];
    const int count = fold(static_cast<std::int32_t>(next.point), parts);
    for (int i = 0; i < count; ++i) words.add(parts[i]);
  }
  words.end_word();
  if (tokens.size() > room) tokens.resize(room);
  tokens.push_back(end_);
}

void WordPiece::encode_word(std::string_view word, std::vector<std::int32_t>& tokens) const {
  const std::size_t before = tokens.size();
  for (std::string_view prefix; !word.empty(); prefix = kContinues) {
    std::int32_t token = unknown_;
    const std::size_t length = longest_piece(prefix, word, token);
    if (length == 0) {
      tokens.resize(before);
      tokens.push_back(unknown_);
      return;
    }
    tokens.push_back(token);
    word.remove_prefix(length);
  }
}

// Narrows the pieces that begin with what was read so far, byte by byte: they lie side by side in order_.
std::size_t WordPiece::longest_piece(std::string_view prefix, std::string_view text,
                                     std::int32_t& token) const {
  auto first = order_.begin(), last = order_.end();
  std::size_t depth = 0, longest = 0;
  const auto narrow = [&](char next) {
    const auto byte_at = [&](std::int32_t t) {
      const std::string_view bytes = piece(t);
      return depth < bytes.size() ? static_cast<unsigned char>(bytes[depth]) : -1;
    };
    const int wanted = static_cast<unsigned char>(next);
    first = std::partition_point(first, last, [&](std::int32_t t) { return byte_at(t) < wanted; });
    last = std::partition_point(first, last, [&](std::int32_t t) { return byte_at(t) == wanted; });
    ++depth;
    return first != last;
  };
  for (const char c : prefix) {
    if (!narrow(c)) return 0;
  }
  for (std::size_t i = 0; i < text.size() && narrow(text[i]); ++i) {
    if (piece(*first).size() != depth) continue;  // the shortest of them comes first
    token = *first;
    longest = i + 1;
  }
  return longest;
}

}  // namespace silt::model
