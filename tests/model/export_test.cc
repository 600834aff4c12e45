// model/training/export_prototype.py on an invented prototype, read back through WeightsFile.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "model/model.h"

namespace silt::model {
namespace {

namespace fs = std::filesystem;

constexpr int kLayers = 2, kFast = 1, kWidth = 32, kMlp = 64, kFastWidth = 32, kVocabulary = 288;

std::uint16_t to_bf16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
}
float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// tokenizer.json's letter of a byte, as a JSON escape.
std::string letter(int byte) {
  int code = byte;
  const auto printable = [](int b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  };
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(code));
  return text.data();
}

// The three files of a prototype, with values that name their tensor and place.
class Prototype {
 public:
  Prototype() {
    for (const char* name : {"down", "gate", "up"}) {
      const bool down = std::string(name) == "down";
      add(std::string("ad/W0/") + name, {kFast, down ? kFastWidth : kWidth, down ? kWidth : kFastWidth});
      add(std::string("base/blocks/") + name, {kLayers, down ? kMlp : kWidth, down ? kWidth : kMlp});
      add(std::string("ad/inner/decay/") + name, {kFast});
      add(std::string("ad/inner/loglr/") + name, {kFast});
    }
    for (const char* name : {"q", "k", "v", "o"})
      add(std::string("base/blocks/") + name, {kLayers, kWidth, kWidth});
    for (const char* name : {"ln1", "ln2"}) add(std::string("base/blocks/") + name, {kLayers, kWidth});
    add("ad/lnfast", {kFast, kWidth});
    add("base/embed", {kVocabulary, kWidth});
    add("base/lnf", {kWidth});
  }

  // Element `i` of layer `layer`, of `size` elements each.
  float at(const std::string& name, std::size_t layer, std::size_t size, std::size_t i) const {
    return from_bf16(values_[begin_.at(name) + layer * size + i]);
  }

  void write(const fs::path& folder) const {
    std::ofstream(folder / "index.json") << "{\"tensors\":[" << index_
                                         << "],\"cfg\":{\"n_layer\":2,\"d\":32,\"n_head\":2,\"n_kv\":2,"
                                            "\"hd\":16,\"ff\":64,\"vocab\":288,\"theta\":"
                                            "10000.0,\"eps\":1e-05,\"n_fast\":1,\"fast_ff\":32,\"b\":16,"
                                            "\"k\":32,\"lora_r\":1,\"inner_lr\":0.3}}";
    const std::size_t bytes = values_.size() * 2,
                      third = bytes / 3;  // cuts through elements, as real ones may
    const char* data = reinterpret_cast<const char*>(values_.data());
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t begin = i * third, end = i == 2 ? bytes : begin + third;
      std::ofstream(folder / (std::string("w") + std::to_string(i) + ".bin"), std::ios::binary)
          .write(data + begin, static_cast<std::streamsize>(end - begin));
    }
    std::ofstream tokenizer(folder / "tok.json");
    const std::string space = letter(' ');
    tokenizer << R"({"added_tokens":[{"id":0,"content":"<s>"}],"model":{"vocab":{"<s>":0)";
    for (int b = 0; b < 256; ++b) tokenizer << ",\"" << letter(b) << "\":" << b + 1;
    tokenizer << ",\"" << space << space << R"(":257,"er":258,"err":259},"merges":[[")" << space << "\",\""
              << space << R"("],"e r",["er","r"]]}})";
  }

 private:
  void add(const std::string& name, const std::vector<int>& shape) {
    if (!index_.empty()) index_ += ',';
    index_ += "[\"" + name + "\",[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i > 0) index_ += ',';
      index_ += std::to_string(shape[i]);
    }
    index_ += "],";
    index_ += std::to_string(values_.size() * 2) + "]";
    begin_[name] = values_.size();
    const int count = std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<>());
    for (int i = 0; i < count; ++i) {
      values_.push_back(to_bf16(std::sin(static_cast<float>(values_.size()) * 0.7f) * 0.5f));
    }
  }

  std::string index_;
  std::vector<std::uint16_t> values_;
  std::map<std::string, std::size_t> begin_;
};

class ExportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c 1 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
    std::string pattern = (fs::temp_directory_path() / "silt-export-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    prototype_.write(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::shared_ptr<const Model> exported(const std::string& option) const {
    const std::string in = folder_.string() + "/", out = in + "out.safetensors";
    const std::string command = "python3 " SILT_SOURCE_DIR "/model/training/export_prototype.py " + in +
                                "index.json " + in + "w0.bin " + in + "w1.bin " + in + "w2.bin " + in +
                                "tok.json " + out + " " + option + " >/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    const auto model = Model::open(out);
    EXPECT_TRUE(model.is_ok()) << model.status().message();
    return model.is_ok() ? *model : nullptr;
  }

  // The largest distance of the exported matrix from the prototype's, as a share of a row's largest value.
  double distance(const Model& model, const std::string& ours, const std::string& theirs,
                  std::size_t layer) const {
    const auto matrix = model.weights().matrix(ours);
    EXPECT_TRUE(matrix.is_ok());
    const auto in = static_cast<std::size_t>((*matrix)->in()),
               out = static_cast<std::size_t>((*matrix)->out());
    std::vector<float> row(out);
    double worst = 0;
    for (std::size_t r = 0; r < in; ++r) {
      (*matrix)->read_row(static_cast<int>(r), row.data());
      double largest = 0, difference = 0;
      for (std::size_t i = 0; i < out; ++i) {
        const double expected = prototype_.at(theirs, layer, in * out, r * out + i);
        largest = std::max(largest, std::fabs(expected));
        difference = std::max(difference, std::fabs(expected - row[i]));
      }
      worst = std::max(worst, difference / largest);
    }
    return worst;
  }

  fs::path folder_;
  Prototype prototype_;
};

TEST_F(ExportTest, KeepsEveryBit) {
  const auto model = exported("");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().layers, 2);
  EXPECT_EQ(model->config().minibatch_tokens, 16);
  EXPECT_EQ(distance(*model, "embedding", "base/embed", 0), 0);
  EXPECT_EQ(distance(*model, "blocks.0.attention.q", "base/blocks/q", 0), 0);
  EXPECT_EQ(distance(*model, "blocks.1.attention.o", "base/blocks/o", 1), 0);
  EXPECT_EQ(distance(*model, "blocks.1.mlp.down", "base/blocks/down", 1), 0);
  EXPECT_EQ(distance(*model, "blocks.0.mlp.gate", "base/blocks/gate", 0), 0);
  EXPECT_EQ(distance(*model, "blocks.1.fast.up", "ad/W0/up", 0), 0);

  const auto norm = model->weights().vector("blocks.1.mlp_norm");
  ASSERT_TRUE(norm.is_ok());
  for (std::size_t i = 0; i < kWidth; ++i)
    EXPECT_EQ((*norm)[i], prototype_.at("base/blocks/ln2", 1, kWidth, i));
  const auto step = model->weights().vector("blocks.1.fast.step");
  const auto decay = model->weights().vector("blocks.1.fast.decay");
  ASSERT_TRUE(step.is_ok() && decay.is_ok());
  const char* const order[] = {"gate", "up", "down"};
  for (std::size_t i = 0; i < 3; ++i) {
    const double loglr = prototype_.at(std::string("ad/inner/loglr/") + order[i], 0, 1, 0);
    const double logit = prototype_.at(std::string("ad/inner/decay/") + order[i], 0, 1, 0);
    EXPECT_FLOAT_EQ((*step)[i], static_cast<float>(std::exp(loglr)));
    EXPECT_FLOAT_EQ((*decay)[i], static_cast<float>(1 / (1 + std::exp(-logit))));
  }
}

TEST_F(ExportTest, Int8StaysWithinHalfAStepOfEachRow) {
  const auto model = exported("--int8");
  ASSERT_NE(model, nullptr);
  for (const auto& [ours, theirs] : {std::pair{"embedding", "base/embed"},
                                     {"blocks.1.mlp.up", "base/blocks/up"},
                                     {"blocks.1.fast.down", "ad/W0/down"}}) {
    const double share = distance(*model, ours, theirs, std::string(ours) == "blocks.1.mlp.up" ? 1 : 0);
    EXPECT_GT(share, 0) << ours;
    EXPECT_LT(share, 0.5001 / 127) << ours;
  }
}

TEST_F(ExportTest, CarriesTheTokenizer) {
  const auto model = exported("");
  ASSERT_NE(model, nullptr);
  const Tokenizer& tokenizer = model->tokenizer();
  std::vector<Token> tokens;
  tokenizer.encode("err  \xFF", tokens);
  EXPECT_EQ(tokens, (std::vector<Token>{259, 257, 0xFF + 1}));
  std::string every_byte;
  for (int b = 0; b < 256; ++b) every_byte += static_cast<char>(b);
  tokens.clear();
  tokenizer.encode(every_byte, tokens);
  EXPECT_EQ(tokenizer.decode(tokens), every_byte);
}

}  // namespace
}  // namespace silt::model
