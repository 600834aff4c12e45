#include "model/tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <sstream>

#include "model/pretokenizer.h"
#include "model/weights_file.h"
#include "tests/model/tiny_model.h"

namespace silt::model {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

std::shared_ptr<const Tokenizer> shipped_tokenizer() {
  const auto file = WeightsFile::open(SILT_SOURCE_DIR "/model/weights/silt-23m.safetensors");
  EXPECT_TRUE(file.is_ok()) << file.status().message();
  auto tokenizer = Tokenizer::load(**file);
  EXPECT_TRUE(tokenizer.is_ok()) << tokenizer.status().message();
  return std::move(tokenizer).value();
}

std::vector<Token> encode(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<Token> out;
  tokenizer.encode(text, out);
  return out;
}

std::vector<std::string> pieces_of(std::string_view text, Pretokenizer rule = Pretokenizer::kSilt1) {
  std::vector<std::string> out;
  while (!text.empty()) {
    out.emplace_back(text.substr(0, first_piece(rule, text)));
    text.remove_prefix(out.back().size());
  }
  return out;
}

using Pieces = std::vector<std::string>;

TEST(Pretokenizer, CutsByClass) {
  EXPECT_EQ(pieces_of("sshd[12345]: Failed  login"),
            (Pieces{"sshd", "[", "123", "45", "]:", " ", "Failed", "  ", "login"}));
  EXPECT_EQ(pieces_of("a -> b"), (Pieces{"a", " ->", " ", "b"}));
  EXPECT_EQ(pieces_of("a  -> b"), (Pieces{"a", "  ", "->", " ", "b"}));
  EXPECT_EQ(pieces_of("\t-\r\n "), (Pieces{"\t", "-", "\r\n "}));
  EXPECT_EQ(pieces_of(" "), (Pieces{" "}));
  EXPECT_EQ(pieces_of("na\xC3\xAFve \xE2\x82\xAC"
                      "5"),
            (Pieces{"na\xC3\xAFve", " \xE2\x82\xAC", "5"}));
}

TEST(Pretokenizer, TheSecondRuleJoinsOneSpaceAndTheWordBehindIt) {
  const auto rule = Pretokenizer::kSilt2;
  EXPECT_EQ(pieces_of("sshd[12345]: Failed  login", rule),
            (Pieces{"sshd", "[", "123", "45", "]:", " Failed", "  ", "login"}));
  EXPECT_EQ(pieces_of(" a -> b 7\tc", rule), (Pieces{" a", " ->", " b", " ", "7", "\t", "c"}));
  EXPECT_EQ(pieces_of(" na\xC3\xAFve \x80", rule), (Pieces{" na\xC3\xAFve", " \x80"}));
  EXPECT_EQ(pretokenizer_named("silt-pre-1"), Pretokenizer::kSilt1);
  EXPECT_EQ(pretokenizer_named("silt-pre-2"), rule);
  EXPECT_FALSE(pretokenizer_named("silt-pre-3"));
}

TEST(Pretokenizer, BytesThatAreNotUtf8AreLikePunctuation) {
  EXPECT_EQ(pieces_of("a\xFF\xFE"
                      "b"),
            (Pieces{"a", "\xFF\xFE", "b"}));
  EXPECT_EQ(pieces_of(" \x80!"), (Pieces{" \x80!"}));
  EXPECT_EQ(pieces_of("a\xC3"), (Pieces{"a", "\xC3"}));  // cut short
  EXPECT_EQ(pieces_of("\xC1\x81"
                      "A"),
            (Pieces{"\xC1\x81", "A"}));  // overlong A
  EXPECT_EQ(pieces_of("\xE0\x81\x81"
                      "A"),
            (Pieces{"\xE0\x81\x81", "A"}));  // overlong A
  EXPECT_EQ(pieces_of("\xED\xA0\x80"
                      "1"),
            (Pieces{"\xED\xA0\x80", "1"}));  // surrogate
  EXPECT_EQ(pieces_of("\xF4\x90\x80\x80"
                      "1"),
            (Pieces{"\xF4\x90\x80\x80", "1"}));
  EXPECT_EQ(pieces_of("\xC3"
                      "A"),
            (Pieces{"\xC3", "A"}));  // resynchronises at once
}

TEST(Pretokenizer, ClassesOfUnicode) {
  EXPECT_EQ(char_class('a'), CharClass::kLetter);
  EXPECT_EQ(char_class(0x4E2D), CharClass::kLetter);
  EXPECT_EQ(char_class(0x1C89), CharClass::kLetter);  // new in Unicode 16, which the reference knows
  EXPECT_EQ(char_class(0x0301), CharClass::kOther);   // combining acute
  EXPECT_EQ(char_class(0x00B2), CharClass::kNumber);
  EXPECT_EQ(char_class(0x2167), CharClass::kNumber);
  EXPECT_EQ(char_class(0x0660), CharClass::kNumber);
  EXPECT_EQ(char_class(0x00A0), CharClass::kSpace);
  EXPECT_EQ(char_class(0x3000), CharClass::kSpace);
  EXPECT_EQ(char_class(0x200B), CharClass::kOther);  // zero width space is none
  EXPECT_EQ(char_class(0x1F), CharClass::kOther);
  EXPECT_EQ(char_class(0x10FFFF), CharClass::kOther);
}

TEST(Tokenizer, MergesByRankLeftmostFirst) {
  std::string folder = (std::filesystem::temp_directory_path() / "silt-tokenizer-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(write_tiny_model(folder + "/tiny").is_ok());
  const auto file = WeightsFile::open(folder + "/tiny");
  ASSERT_TRUE(file.is_ok()) << file.status().message();
  const auto loaded = Tokenizer::load(**file);
  ASSERT_TRUE(loaded.is_ok()) << loaded.status().message();
  const Tokenizer& tokenizer = **loaded;
  EXPECT_EQ(tokenizer.size(), 320);
  EXPECT_EQ(tokenizer.start_token(), 0);
  const auto texts = [&](std::string_view text) {
    Pieces out;
    for (const Token t : encode(tokenizer, text)) out.emplace_back(tokenizer.piece(t));
    return out;
  };
  EXPECT_EQ(texts("error"), (Pieces{"error"}));
  EXPECT_EQ(texts("errand"), (Pieces{"err", "a", "n", "d"}));
  EXPECT_EQ(texts("   "), (Pieces{"  ", " "}));
  EXPECT_EQ(texts("000"), (Pieces{"00", "0"}));
  std::filesystem::remove_all(folder);
}

TEST(Tokenizer, SpecialTokensCannotBeForged) {
  const auto tokenizer = shipped_tokenizer();
  for (const Token t : encode(*tokenizer, "<s> and <s>")) EXPECT_NE(t, tokenizer->start_token());
  EXPECT_EQ(tokenizer->piece(tokenizer->start_token()), "");
  EXPECT_EQ(tokenizer->piece(-1), "");
  EXPECT_EQ(tokenizer->piece(tokenizer->size()), "");
}

TEST(Tokenizer, AnyBytesComeBack) {
  const auto tokenizer = shipped_tokenizer();
  std::mt19937_64 random(11);
  for (int round = 0; round < 400; ++round) {
    std::string text;
    const std::size_t size = random() % 200;
    const int kind = static_cast<int>(random() % 3);  // any bytes, ASCII, valid starts of UTF-8
    while (text.size() < size) {
      text += static_cast<char>(kind == 0 ? random() : kind == 1 ? random() % 128 : 0xC0 + random() % 64);
    }
    EXPECT_EQ(tokenizer->decode(encode(*tokenizer, text)), text);
  }
}

// The definition of byte-level BPE: apply the merge of lowest rank, leftmost first, until none fits.
std::vector<Token> merge_by_definition(
    std::string_view piece, const Tokenizer& tokenizer,
    const std::map<std::pair<Token, Token>, std::pair<int, Token>>& merges) {
  std::vector<Token> tokens;
  for (const char c : piece) tokens.push_back(encode(tokenizer, std::string_view(&c, 1)).at(0));
  while (true) {
    std::size_t best = tokens.size();
    int best_rank = std::numeric_limits<int>::max();
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      const auto it = merges.find({tokens[i], tokens[i + 1]});
      if (it == merges.end() || it->second.first >= best_rank) continue;
      best = i;
      best_rank = it->second.first;
    }
    if (best == tokens.size()) return tokens;
    tokens[best] = merges.at({tokens[best], tokens[best + 1]}).second;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(Tokenizer, ShortAndLongPiecesMergeByTheDefinition) {
  const auto file = WeightsFile::open(SILT_SOURCE_DIR "/model/weights/silt-23m.safetensors");
  ASSERT_TRUE(file.is_ok());
  const std::vector<std::int32_t> rows = (*file)->integers("tokenizer.merges").value();
  std::map<std::pair<Token, Token>, std::pair<int, Token>> merges;
  for (std::size_t i = 0; i < rows.size(); i += 3) {
    merges[{rows[i], rows[i + 1]}] = {static_cast<int>(i / 3), rows[i + 2]};
  }
  const auto tokenizer = shipped_tokenizer();
  std::mt19937_64 random(3);
  constexpr std::string_view kLetters = "etaoinshrdlu", kMarks = "=-_/.:";
  for (int round = 0; round < 40; ++round) {
    const std::string_view alphabet = round % 2 == 0 ? kLetters : kMarks;
    std::string text;
    const std::size_t size = 1 + random() % 400;  // the paths part at 128 bytes
    while (text.size() < size) text += std::string(1 + random() % 5, alphabet[random() % alphabet.size()]);
    EXPECT_EQ(encode(*tokenizer, text), merge_by_definition(text, *tokenizer, merges)) << text;
  }
}

TEST(Tokenizer, EndlessPiecesTakeTimeInProportion) {
  const auto tokenizer = shipped_tokenizer();
  const std::string endless(1 << 20, 'a');  // the quadratic way would take minutes
  EXPECT_EQ(tokenizer->decode(encode(*tokenizer, endless)), endless);
}

// The recorded answers of the library that the tokenizer was trained with: see golden/README.md.
TEST(Tokenizer, EqualsTheReferenceOnTheTortureSet) {
  const auto tokenizer = shipped_tokenizer();
  const std::filesystem::path folder = std::filesystem::path(SILT_SOURCE_DIR) / "tests/model/golden";
  const std::string text = read_file(folder / "tokenizer_torture.txt");
  const std::string ids = read_file(folder / "tokenizer_torture.ids");
  ASSERT_FALSE(text.empty());
  std::size_t begin = 0, at = 0, cases = 0;
  while (begin < text.size()) {  // cases end with the byte 0x1E, which none contains
    const std::size_t end = text.find('\x1E', begin);
    ASSERT_NE(end, std::string::npos);
    const std::string_view one = std::string_view(text).substr(begin, end - begin);
    const auto word = [&] {
      EXPECT_LE(at + 2, ids.size());
      const auto low = static_cast<std::uint8_t>(ids[at]), high = static_cast<std::uint8_t>(ids[at + 1]);
      at += 2;
      return static_cast<Token>(low | high << 8);
    };
    std::vector<Token> expected(static_cast<std::size_t>(word()));
    for (Token& t : expected) t = word();
    ASSERT_EQ(encode(*tokenizer, one), expected) << "case " << cases << ": " << one;
    begin = end + 1;
    ++cases;
  }
  EXPECT_EQ(at, ids.size());
  EXPECT_GT(cases, 1000u);
}

}  // namespace
}  // namespace silt::model
