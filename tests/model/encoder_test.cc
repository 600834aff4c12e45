// The sentence encoder with its shipped weights: tokens and vectors as other programs compute them, the same
// bits in any company, and files that are not what they should be.
#include "model/encoder/encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

#include "model/cpu/features.h"
#include "model/json.h"
#include "tests/support/temp_dir.h"

namespace silt::model {
namespace {

const std::string kWeights = SILT_SOURCE_DIR "/model/weights/minilm-l6.safetensors";

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

template <class T>
std::vector<T> numbers(const Json* list) {
  std::vector<T> out;
  if (list != nullptr) {
    for (const Json& item : *list->array()) out.push_back(static_cast<T>(*item.number()));
  }
  return out;
}

struct Case {
  std::string text;
  std::vector<std::int32_t> tokens;
  std::vector<float> exact, int8, onnx;  // of any length; empty: tokens only
};

const std::vector<Case>& golden() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> out;
    const auto json = Json::parse(read(SILT_SOURCE_DIR "/tests/model/golden/encoder.json"));
    for (const Json& item : *json->find("cases")->array()) {
      out.push_back({*item.find("text")->string(), numbers<std::int32_t>(item.find("tokens")),
                     numbers<float>(item.find("exact")), numbers<float>(item.find("int8")),
                     numbers<float>(item.find("onnx"))});
    }
    return out;
  }();
  return cases;
}

const Encoder& shipped() {
  static const auto encoder = Encoder::open(kWeights);
  return **encoder;
}

std::vector<std::string_view> all_texts() {
  std::vector<std::string_view> out;
  for (const Case& one : golden()) out.push_back(one.text);
  return out;
}

std::vector<std::int32_t> tokens_of(std::string_view text, int tokens_max = Encoder::kTokensMax) {
  std::vector<std::int32_t> out;
  shipped().tokenizer().encode(text, tokens_max, out);
  return out;
}

float angle(std::span<const float> a, std::span<const float> b) {
  return cosine(a, b) / std::sqrt(cosine(a, a) * cosine(b, b));
}

TEST(Encoder, CutsTextsAsTheLibraryThatTheModelWasTrainedWith) {
  ASSERT_GE(golden().size(), 120U);
  for (const Case& one : golden()) EXPECT_EQ(tokens_of(one.text), one.tokens) << one.text;
}

TEST(Encoder, BytesThatAreNotUtf8LeaveNoTrace) {
  EXPECT_EQ(tokens_of("fai\xffled \xc3pass\xed\xa0\x80word\xf0\x9f"), tokens_of("failed password"));
  EXPECT_EQ(tokens_of("\xff\xfe"), tokens_of(""));
}

TEST(Encoder, CutsOffWhatIsTooLong) {
  const std::vector<std::int32_t> whole = tokens_of("one two three four five");
  ASSERT_EQ(whole.size(), 7U);
  EXPECT_EQ(tokens_of("one two three four five", 5),
            (std::vector<std::int32_t>{whole[0], whole[1], whole[2], whole[3], whole[6]}));
  EXPECT_EQ(tokens_of("one two", 0).size(), 2U);  // the marks alone
  const auto vector = shipped().encode(std::string(100'000, 'a') + std::string(10'000, '.'), 1 << 30);
  ASSERT_TRUE(vector.is_ok());  // the file's 512 positions are the limit
}

TEST(Encoder, GivesTheVectorsOfTheOriginal) {
  int compared = 0;
  for (const Case& one : golden()) {
    if (one.exact.empty()) continue;
    const auto vector = shipped().encode(one.text);
    ASSERT_TRUE(vector.is_ok()) << vector.status().message();
    ASSERT_EQ(vector->size(), one.exact.size());
    EXPECT_NEAR(cosine(*vector, *vector), 1, 1e-6) << one.text;
    EXPECT_GE(angle(*vector, one.int8), 0.99999) << one.text;  // the same weights: activations of 14 bits
    EXPECT_GE(angle(*vector, one.exact), 0.99) << one.text;    // the float32 weights
    EXPECT_GE(angle(*vector, one.onnx), 0.99) << one.text;     // int8 weights and activations by others
    ++compared;
  }
  EXPECT_EQ(compared, 20);
}

TEST(Encoder, SameBitsForAnyCompanyThreadsAndPath) {
  const std::vector<std::string_view> texts = all_texts();
  std::vector<float> expected;
  for (const std::string_view text : texts) {
    const auto alone = shipped().encode(text);
    ASSERT_TRUE(alone.is_ok());
    expected.insert(expected.end(), alone->begin(), alone->end());
  }
  for (const std::string& isa : cpu::usable_isas()) {
    for (const int threads : {1, 3}) {
      const auto encoder = Encoder::open(kWeights, threads, isa);
      ASSERT_TRUE(encoder.is_ok()) << encoder.status().message();
      std::vector<float> together;
      ASSERT_TRUE((*encoder)->encode(texts, together).is_ok());
      EXPECT_EQ(std::memcmp(together.data(), expected.data(), expected.size() * sizeof(float)), 0)
          << isa << ", " << threads << " threads";
      ASSERT_EQ(together.size(), expected.size());
    }
  }
}

TEST(Encoder, NoTextsAreNoVectors) {
  std::vector<float> out(3);
  ASSERT_TRUE(shipped().encode(std::span<const std::string_view>(), out).is_ok());
  EXPECT_TRUE(out.empty());
}

TEST(Encoder, FingerprintTellsFilesApart) {
  EXPECT_EQ(shipped().fingerprint(), shipped().fingerprint());
  const silt::testing::TempDir folder;
  const std::string path = folder.path("other");
  std::string bytes = read(kWeights);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  const auto other = Encoder::open(path);
  ASSERT_TRUE(other.is_ok()) << other.status().message();
  EXPECT_NE((*other)->fingerprint(), shipped().fingerprint());
}

class DamagedEncoder : public ::testing::Test {
 protected:
  // Opens the shipped file with `change` made to it; the failure's message.
  std::string message_of(const std::function<void(std::string&)>& change) {
    std::string bytes = read(kWeights);
    change(bytes);
    std::ofstream(path_, std::ios::binary) << bytes;
    const auto encoder = Encoder::open(path_);
    EXPECT_FALSE(encoder.is_ok());
    return encoder.is_ok() ? "" : encoder.status().message();
  }

  std::string message_of(const std::string& from, const std::string& to) {
    EXPECT_EQ(from.size(), to.size());
    return message_of([&](std::string& bytes) {
      const std::size_t at = bytes.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      bytes.replace(at, from.size(), to);
    });
  }

  // Overwrites the first bytes of a tensor.
  std::string message_of_tensor(const std::string& name, std::int32_t first) {
    const auto file = SafetensorsFile::open(kWeights);
    const StoredTensor* tensor = *(*file)->find(name);
    return message_of([&](std::string& bytes) {
      std::uint64_t header = 0;
      std::memcpy(&header, bytes.data(), sizeof header);
      std::memcpy(bytes.data() + sizeof header + header + tensor->begin, &first, sizeof first);
    });
  }

  const silt::testing::TempDir folder_;
  const std::string path_ = folder_.path("damaged.safetensors");
};

TEST_F(DamagedEncoder, NamesTheFileThePlaceAndTheRemedy) {
  const std::string message = message_of("\"blocks.3.mlp.up\"", "\"blocks.3.mlp.xx\"");
  EXPECT_NE(message.find(path_), std::string::npos) << message;
  EXPECT_NE(message.find("lacks tensor \"blocks.3.mlp.up\""), std::string::npos) << message;
  EXPECT_NE(message.find("copy it again"), std::string::npos) << message;
}

TEST_F(DamagedEncoder, IsRefused) {
  EXPECT_NE(message_of([](std::string& bytes) { bytes.pop_back(); }).find("1 bytes short"),
            std::string::npos);
  EXPECT_NE(message_of("silt-encoder-1", "silt-encoder-2").find("silt-encoder-2"), std::string::npos);
  EXPECT_NE(message_of("\"heads\":\"12\"", "\"heads\":\"11\"").find("multiples of 16"), std::string::npos);
  EXPECT_NE(message_of("\"layers\":\"6\"", "\"layers\":\"5\"").find("unknown tensor"), std::string::npos);
  EXPECT_NE(message_of("\"unknown_token\":\"100\"", "\"unknown_token\":\"-10\"").find("unknown_token"),
            std::string::npos);
  EXPECT_NE(message_of("[24,192,16,2]", "[24,192,32,1]"), "");
  EXPECT_NE(message_of_tensor("tokenizer.offsets", 1).find("tokenizer.offsets"), std::string::npos);
  EXPECT_NE(message_of_tensor("tokenizer.order", 30'522).find("tokenizer.order"), std::string::npos);
  EXPECT_NE(message_of_tensor("tokenizer.classes", -1).find("tokenizer.classes"), std::string::npos);
  EXPECT_NE(message_of_tensor("tokenizer.folds", 0x110000).find("tokenizer.folds"), std::string::npos);
  EXPECT_NE(message_of_tensor("embedding.scale", 0x7f800000).find("not finite"), std::string::npos);
}

TEST_F(DamagedEncoder, OtherModelsAndMissingFilesAreRefused) {
  EXPECT_FALSE(Encoder::open(folder_.path("none")).is_ok());
  const auto reader = Encoder::open(SILT_SOURCE_DIR "/model/weights/silt-23m.safetensors");
  ASSERT_FALSE(reader.is_ok());
  EXPECT_NE(reader.status().message().find("minilm-l6.safetensors"), std::string::npos);
  EXPECT_FALSE(Encoder::open(kWeights, 1, "sse9").is_ok());
}

}  // namespace
}  // namespace silt::model
