#include "model/weights_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "model/json.h"
#include "model/recall_gate.h"
#include "model/tokenizer.h"
#include "tests/model/tiny_model.h"

namespace silt::model {
namespace {

class WeightsFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "silt-weights-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& bytes) const {
    const std::string path = (folder_ / "model.safetensors").string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  Result<std::unique_ptr<WeightsFile>> open(const std::string& bytes) const {
    return WeightsFile::open(write(bytes));
  }
  // The message of the failure that `bytes` must give.
  std::string failure(const std::string& bytes) const {
    const auto file = open(bytes);
    EXPECT_FALSE(file.is_ok());
    return file.is_ok() ? "" : file.status().message();
  }
  std::string failure(const WeightFileParts& parts) const { return failure(serialise(parts)); }

  std::filesystem::path folder_;
};

std::vector<float> row_of(const MatrixSource& matrix, int row) {
  std::vector<float> values(static_cast<std::size_t>(matrix.out()));
  matrix.read_row(row, values.data());
  return values;
}

TEST_F(WeightsFileTest, ReadsShapeMetadataAndTensors) {
  WeightFileParts parts = tiny_model_parts();
  const auto file = open(serialise(parts));
  ASSERT_TRUE(file.is_ok()) << file.status().message();
  const ModelConfig& config = (*file)->config();
  EXPECT_EQ(config.layers, 3);
  EXPECT_EQ(config.fast_layers, 2);
  EXPECT_EQ(config.vocabulary, 320);
  EXPECT_FLOAT_EQ(config.norm_epsilon, 1e-5f);
  EXPECT_EQ((*file)->metadata().at("rule"), "clipped-sgd");

  const auto matrix = (*file)->matrix("blocks.1.fast.down");
  ASSERT_TRUE(matrix.is_ok());
  EXPECT_EQ((*matrix)->in(), 32);
  EXPECT_EQ((*matrix)->out(), 32);
  const FileTensor& stored = parts.tensor("blocks.1.fast.down");
  for (int row = 0; row < 32; ++row) {
    const std::vector<float> values = row_of(**matrix, row);
    for (std::size_t i = 0; i < 32; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, &values[i], 4);
      EXPECT_EQ(bits & 0xFFFF, 0u);
      EXPECT_EQ(std::memcmp(stored.bytes.data() + 2 * (static_cast<std::size_t>(row) * 32 + i),
                            reinterpret_cast<const char*>(&bits) + 2, 2),
                0);
    }
  }
  const auto step = (*file)->vector("blocks.2.fast.step");
  ASSERT_TRUE(step.is_ok());
  EXPECT_EQ(*step, (std::vector<float>{0.3f, 0.3f, 1.0f}));
}

TEST_F(WeightsFileTest, DecodesInt8RowsWithTheirScales) {
  WeightFileParts parts = tiny_model_parts();
  const auto exact = open(serialise(parts));
  ASSERT_TRUE(exact.is_ok());
  quantise(parts, "embedding");
  std::filesystem::rename(folder_ / "model.safetensors", folder_ / "exact.safetensors");
  const auto file = open(serialise(parts));
  ASSERT_TRUE(file.is_ok()) << file.status().message();
  const auto exact_matrix = (*exact)->matrix("embedding");
  const auto matrix = (*file)->matrix("embedding");
  const auto scales = (*file)->vector("embedding.scale");
  ASSERT_TRUE(exact_matrix.is_ok() && matrix.is_ok() && scales.is_ok());
  for (int row = 0; row < (*matrix)->in(); ++row) {
    const std::vector<float> a = row_of(**exact_matrix, row), b = row_of(**matrix, row);
    const float half_step = (*scales)[static_cast<std::size_t>(row)] * 0.5001f;
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], half_step) << row << ' ' << i;
  }
}

TEST_F(WeightsFileTest, ReleasedPagesComeBack) {
  const auto file = open(serialise(tiny_model_parts()));
  ASSERT_TRUE(file.is_ok());
  const Digest before = (*file)->fingerprint();
  (*file)->release();
  EXPECT_EQ((*file)->fingerprint(), before);
}

TEST_F(WeightsFileTest, FingerprintTellsFilesApart) {
  const auto a = open(serialise(tiny_model_parts(1)));
  ASSERT_TRUE(a.is_ok());
  const Digest first = (*a)->fingerprint();
  std::filesystem::remove(folder_ / "model.safetensors");  // a new file, as installers do
  const auto b = open(serialise(tiny_model_parts(2)));
  ASSERT_TRUE(b.is_ok());
  EXPECT_NE(first, (*b)->fingerprint());
}

TEST_F(WeightsFileTest, MissingFileIsNotFound) {
  const auto file = WeightsFile::open((folder_ / "none").string());
  ASSERT_FALSE(file.is_ok());
  EXPECT_EQ(file.status().code(), Code::kNotFound);
}

TEST_F(WeightsFileTest, FolderIsRefused) {
  EXPECT_FALSE(WeightsFile::open(folder_.string()).is_ok());
}

TEST_F(WeightsFileTest, ShortFileSaysHowMuchIsMissingAndWhatToDo) {
  const std::string bytes = serialise(tiny_model_parts());
  const std::string message = failure(bytes.substr(0, bytes.size() - 1024));
  EXPECT_NE(message.find("1,024 bytes short"), std::string::npos) << message;
  EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
  EXPECT_NE(message.find("copy it again"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST_F(WeightsFileTest, NamesWhatIsWrong) {
  const auto expect = [&](const WeightFileParts& parts, const std::string& words) {
    const std::string message = failure(parts);
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  WeightFileParts parts = tiny_model_parts();
  parts.tensors.pop_back();
  expect(parts, "lacks tensor \"tokenizer.merges\"");

  parts = tiny_model_parts();
  parts.tensors.push_back({"secret", "U8", {1}, "x"});
  expect(parts, "unknown tensor \"secret\"");

  parts = tiny_model_parts();
  parts.tensor("final_norm").type = "BF16";
  parts.tensor("final_norm").bytes.resize(64);
  expect(parts, "\"final_norm\" of type BF16");

  parts = tiny_model_parts();
  parts.tensor("blocks.0.mlp.up").shape = {64, 32};
  expect(parts, "shape [64, 32] instead of [32, 64]");

  parts = tiny_model_parts();
  parts.tensor("blocks.0.mlp.up").shape = {32, 63};
  expect(parts, "do not span");

  parts = tiny_model_parts();
  parts.tensor("blocks.0.mlp.up").type = "F64";
  expect(parts, "unknown type F64");

  parts = tiny_model_parts();
  parts.tensor("embedding").type = "I8";
  parts.tensor("embedding").bytes.resize(320 * 32);
  expect(parts, "without one F32 scale a row");

  parts = tiny_model_parts();
  parts.metadata["width"] = "64";
  expect(parts, "instead of");

  parts = tiny_model_parts();
  parts.metadata["width"] = "0";
  expect(parts, "width is 0");

  parts = tiny_model_parts();
  parts.metadata.erase("heads");
  expect(parts, "no number \"heads\"");

  parts = tiny_model_parts();
  parts.metadata["format"] = "silt-9";
  expect(parts, "format \"silt-9\"");

  parts = tiny_model_parts();
  parts.metadata["mixer"] = "ttt-linear";
  expect(parts, "mixer \"ttt-linear\"");
}

TEST_F(WeightsFileTest, SaysWhatLearnsOfAFastSwiGlu) {
  WeightFileParts all = tiny_model_parts();
  const auto silent = open(serialise(all));
  ASSERT_TRUE(silent.is_ok()) << silent.status().message();
  EXPECT_EQ((*silent)->config().fast_learns, FastLearns::kGateUpDown);
  all.metadata["fast_learns"] = "gate up down";
  const auto named = open(serialise(all));
  ASSERT_TRUE(named.is_ok()) << named.status().message();
  EXPECT_EQ((*named)->config().fast_learns, FastLearns::kGateUpDown);

  const WeightFileParts down = tiny_model_parts(1, "ttt-e2e", FastLearns::kDown);
  const auto file = open(serialise(down));
  ASSERT_TRUE(file.is_ok()) << file.status().message();
  EXPECT_EQ((*file)->config().fast_learns, FastLearns::kDown);
  const auto step = (*file)->vector("blocks.2.fast.step");
  ASSERT_TRUE(step.is_ok());
  EXPECT_EQ(step->size(), 32u);
  EXPECT_EQ(step->front(), 0.5f);
  EXPECT_EQ(step->back(), 1.5f);

  const auto expect = [&](WeightFileParts bad, const std::string& learns, const std::string& words) {
    bad.metadata["fast_learns"] = learns;
    const std::string message = failure(bad);
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  expect(all, "gate", "fast_learns \"gate\"");
  expect(all, "", "fast_learns \"\"");
  expect(down, "down up gate", "fast_learns \"down up gate\"");
  // A rule of another length than what learns needs.
  expect(all, "down", "\"blocks.1.fast.decay\" of shape [3] instead of [32]");
  expect(down, "gate up down", "\"blocks.1.fast.decay\" of shape [32] instead of [3]");
  WeightFileParts longer = down;
  FileTensor& steps = longer.tensor("blocks.2.fast.step");
  steps.shape[0] += 1;
  steps.bytes += std::string(4, '\0');
  expect(longer, "down", "\"blocks.2.fast.step\" of shape [33] instead of [32]");

  WeightFileParts ttt = tiny_model_parts(1, "ttt_linear");
  ttt.metadata["fast_learns"] = "whatever";
  EXPECT_TRUE(open(serialise(ttt)).is_ok()) << "with TTT layers it is not read";
}

TEST_F(WeightsFileTest, KnowsTheTensorsOfTttLayers) {
  for (const std::string mixer : {"ttt_linear", "ttt_mlp"}) {
    SCOPED_TRACE(mixer);
    WeightFileParts parts = tiny_model_parts(1, mixer);
    for (const char* unused : {"fast_layers", "kv_heads", "fast_width", "window_tokens", "clip_norm"}) {
      parts.metadata.erase(unused);
    }
    const auto file = open(serialise(parts));
    ASSERT_TRUE(file.is_ok()) << file.status().message();
    const ModelConfig& config = (*file)->config();
    EXPECT_EQ(config.mixer, mixer == "ttt_mlp" ? MixerKind::kTttMlp : MixerKind::kTttLinear);
    EXPECT_EQ(config.rule, InnerRule::kMinibatchGd);
    EXPECT_EQ(config.fast_layers, 3);
    EXPECT_EQ(config.kv_heads, 2);
    EXPECT_EQ(config.window_tokens, 0);

    const auto expect = [&](const WeightFileParts& bad, const std::string& words) {
      const std::string message = failure(bad);
      EXPECT_NE(message.find(words), std::string::npos) << message;
    };
    WeightFileParts bad = parts;
    bad.tensor("blocks.2.ttt.c1").name = "blocks.2.ttt.c9";
    expect(bad, "lacks tensor \"blocks.2.ttt.c1\"");
    bad = parts;
    bad.tensor("blocks.0.ttt.w1").shape = {16, bad.tensor("blocks.0.ttt.w1").shape[1] * 2};
    expect(bad, "tensor \"blocks.0.ttt.w1\" of shape");
    bad = parts;
    bad.metadata["rule"] = "clipped-sgd";
    expect(bad, "with rule \"clipped-sgd\"");
    bad = parts;
    bad.metadata["minibatch_tokens"] = "24";
    expect(bad, "minibatch_tokens is 24");
    bad = tiny_model_parts();
    bad.metadata["mixer"] = mixer;
    bad.metadata["rule"] = "minibatch-gd";
    expect(bad, "lacks tensor");
  }
}

TEST_F(WeightsFileTest, RefusesGapsOverlapsAndTrailingBytes) {
  const std::string bytes = serialise(tiny_model_parts());
  EXPECT_NE(failure(bytes + "x").find("1 bytes behind"), std::string::npos);

  // Point one norm at another one of the same size: an overlap, and a gap where it was.
  const auto entry = [&](const std::string& name) {
    const std::size_t begin = bytes.find("[", bytes.find("data_offsets", bytes.find('"' + name + '"')));
    return bytes.substr(begin, bytes.find(']', begin) + 1 - begin);
  };
  std::string overlap = bytes;
  std::string replacement = entry("blocks.0.mlp_norm");
  const std::string original = entry("blocks.0.attention_norm");
  ASSERT_LE(original.size(), replacement.size() + 8);
  const std::size_t at = overlap.find(original);
  ASSERT_EQ(original.size(), replacement.size());
  overlap.replace(at, original.size(), replacement);
  EXPECT_NE(failure(overlap).find("gap or an overlap"), std::string::npos);
}

TEST_F(WeightsFileTest, RefusesUnalignedData) {
  WeightFileParts parts = tiny_model_parts();
  parts.tensors.insert(parts.tensors.begin(), {"odd", "U8", {3}, "abc"});
  EXPECT_NE(failure(serialise(parts, TensorOrder::kAsGiven)).find("unaligned"), std::string::npos);

  std::string bytes = serialise(tiny_model_parts());
  bytes[0] = static_cast<char>(bytes[0] + 1);  // a header one space longer
  std::uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  bytes.insert(8 + length - 1, " ");
  EXPECT_NE(failure(bytes).find("not a multiple of 8"), std::string::npos);
}

TEST_F(WeightsFileTest, NonFiniteRuleIsRefused) {
  for (const FastLearns learns : {FastLearns::kGateUpDown, FastLearns::kDown}) {
    WeightFileParts parts = tiny_model_parts(1, "ttt-e2e", learns);
    const float bad = std::numeric_limits<float>::quiet_NaN();
    std::string& decay = parts.tensor("blocks.1.fast.decay").bytes;
    std::memcpy(decay.data() + decay.size() - 4, &bad, 4);
    const auto file = open(serialise(parts));
    ASSERT_TRUE(file.is_ok());
    EXPECT_FALSE((*file)->vector("blocks.1.fast.decay").is_ok());
    std::filesystem::remove(folder_ / "model.safetensors");  // a new file, as installers do
  }
}

TEST_F(WeightsFileTest, BrokenTokenizersAreRefused) {
  const auto load = [&](const WeightFileParts& parts) {
    const auto file = open(serialise(parts));
    EXPECT_TRUE(file.is_ok()) << file.status().message();
    return Tokenizer::load(**file).status().message();
  };
  WeightFileParts parts = tiny_model_parts();
  EXPECT_EQ(load(parts), "");
  parts.tensor("tokenizer.merges").bytes[0] ^= 1;
  EXPECT_NE(load(parts).find("does not join"), std::string::npos);
  parts = tiny_model_parts();
  std::string& merges = parts.tensor("tokenizer.merges").bytes;
  merges.replace(12, 12, merges.substr(0, 12));
  EXPECT_NE(load(parts).find("repeats"), std::string::npos);
  parts = tiny_model_parts();
  parts.tensor("tokenizer.offsets").bytes[40] ^= 0x40;
  EXPECT_NE(load(parts).find("offsets"), std::string::npos);
  parts = tiny_model_parts();
  parts.tensor("tokenizer.bytes").bytes[5] = parts.tensor("tokenizer.bytes").bytes[6];
  EXPECT_NE(load(parts), "");
  parts = tiny_model_parts();
  parts.metadata["start_token"] = "17";
  EXPECT_NE(load(parts).find("start_token"), std::string::npos);
  parts = tiny_model_parts();
  parts.metadata["pretokenizer"] = "other";
  EXPECT_NE(load(parts).find("newer silt"), std::string::npos);
}

// Reads everything a valid file offers; anything may be wrong with the bytes.
void use(const WeightsFile& file) {
  const ModelConfig& config = file.config();
  for (int n = 0; n < config.layers; ++n) {
    const std::string block = "blocks." + std::to_string(n) + ".";
    const auto matrix = file.matrix(block + "mlp.down");
    if (matrix.is_ok()) row_of(**matrix, (*matrix)->in() - 1);
    (void)file.vector(block + "mlp_norm");
  }
  const auto tokenizer = Tokenizer::load(file);
  if (!tokenizer.is_ok()) return;
  std::vector<Token> tokens;
  const std::string text = "error: connection 12 closed\xFF\n";
  (*tokenizer)->encode(text, tokens);
  EXPECT_EQ((*tokenizer)->decode(tokens), text);
}

TEST_F(WeightsFileTest, DamageAnywhereIsAStatusOrAValidFile) {
  WeightFileParts parts = tiny_model_parts();
  quantise(parts, "blocks.0.mlp.down");
  const std::string bytes = serialise(parts);
  std::uint64_t header;
  std::memcpy(&header, bytes.data(), 8);
  std::mt19937_64 random(7);
  int refused = 0, opened = 0;
  const auto attempt = [&](const std::string& damaged) {
    const auto file = open(damaged);
    if (!file.is_ok()) {
      ++refused;
      EXPECT_FALSE(file.status().message().empty());
      return;
    }
    ++opened;
    use(**file);
  };
  for (std::size_t at = 0; at < header + 8; at += 3) {  // every field of the header
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    attempt(damaged);
  }
  for (int i = 0; i < 300; ++i) {  // anywhere, several bytes at once
    std::string damaged = bytes;
    for (int k = 0; k < 4; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    attempt(damaged);
  }
  for (int i = 0; i < 100; ++i) attempt(bytes.substr(0, random() % bytes.size()));
  attempt("");
  EXPECT_GT(refused, 500);
  EXPECT_GT(opened, 50);
}

TEST(Json, ParsesValues) {
  const auto json = Json::parse(R"( {"a": [1, -2.5e3, "x\n\u00e9\ud83d\ude00", true, null], "b": {}} )");
  ASSERT_TRUE(json.is_ok()) << json.status().message();
  const Json::Array& a = *json->find("a")->array();
  EXPECT_EQ(a[0].natural(), 1);
  EXPECT_EQ(*a[1].number(), -2500);
  EXPECT_EQ(a[1].natural(), -1);
  EXPECT_EQ(*a[2].string(), "x\n\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_TRUE(*a[3].boolean());
  EXPECT_TRUE(a[4].is_null());
  EXPECT_TRUE(json->find("b")->object()->empty());
  EXPECT_EQ(json->find("c"), nullptr);
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{\"a\":1 \"b\":2}",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "nan",
                           "inf",
                           "tru",
                           "'a'",
                           "\"a",
                           "\"\x01\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "1 2",
                           "[1] x",
                           "{\"a\":1,\"a\":2}",
                           "{1:2}",
                           "1e999",
                           "-",
                           "\"\\u-123\""}) {
    EXPECT_FALSE(Json::parse(text).is_ok()) << text;
  }
  EXPECT_FALSE(Json::parse(std::string(100000, '[')).is_ok());
}

}  // namespace
}  // namespace silt::model
