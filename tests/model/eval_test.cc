// silt-eval's measuring, its command line, and the program itself as users run it.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>

#include "model/json.h"
#include "model/model.h"
#include "model/tools/bits_per_byte.h"
#include "model/tools/compressors.h"
#include "model/tools/eval_options.h"
#include "tests/model/tiny_model.h"

namespace silt::model {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code;
  std::string output;  // standard output and error
};

class EvalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "silt-eval-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ASSERT_TRUE(write_tiny_model(path("tiny.safetensors")).is_ok());
    std::string text;
    for (int i = 0; i < 60; ++i)
      text += "Jan 02 host sshd[" + std::to_string(100 + i) + "]: failed user root\n";
    std::ofstream(path("auth.log"), std::ios::binary) << text;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path(name), std::ios::binary).rdbuf();
    return out.str();
  }

  Outcome run(const std::string& arguments) const {
    const std::string command = std::string(SILT_EVAL) + " " + arguments + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    Outcome out{};
    char buffer[4096];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) out.output.append(buffer, n);
    const int status = ::pclose(pipe);
    out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
  }

  fs::path folder_;
};

TEST_F(EvalTest, ChargesEveryTokenOnceAndTheFirstTheWholeVocabulary) {
  const auto model = Model::open(path("tiny.safetensors"));
  ASSERT_TRUE(model.is_ok()) << model.status().message();
  const auto learner = Learner::create(*model, {.name = "ref", .threads = 1}, {});
  ASSERT_TRUE(learner.is_ok());
  std::vector<Token> tokens;
  (*model)->tokenizer().encode(read("auth.log"), tokens);
  ASSERT_NE((tokens.size() - 1) % 16, 0u) << "the last mini-batch must be part-filled here";
  const auto result =
      measure_bits_per_byte(**learner, (*model)->tokenizer(), tokens, LearnMode::kScoreAndLearn);
  ASSERT_TRUE(result.is_ok()) << result.status().message();
  ASSERT_EQ(result->nats.size(), tokens.size());
  EXPECT_EQ(result->bytes, read("auth.log").size());
  EXPECT_FLOAT_EQ(result->nats[0], std::log(320.0f));

  double bits = 0;
  for (const float nats : result->nats) bits += static_cast<double>(nats) / std::numbers::ln2;
  EXPECT_NEAR(result->bits_per_byte, bits / static_cast<double>(result->bytes), 1e-9);
  EXPECT_EQ(result->skipped_steps, 0);
  EXPECT_LT(result->tenths[9], result->tenths[0]) << "a repeating log must get cheaper as it is learned";

  const auto frozen = measure_bits_per_byte(**learner, (*model)->tokenizer(), tokens, LearnMode::kScoreOnly);
  ASSERT_TRUE(frozen.is_ok());
  EXPECT_LT(result->bits_per_byte, frozen->bits_per_byte);
}

TEST_F(EvalTest, TenthsPartTheStream) {
  const auto model = Model::open(path("tiny.safetensors"));
  const auto learner = Learner::create(*model, {.name = "ref", .threads = 1}, {});
  const Tokenizer& tokenizer = (*model)->tokenizer();
  std::vector<Token> tokens;
  tokenizer.encode("abcdefghijklmnopqrstuvwxyz!?#", tokens);
  const auto result = measure_bits_per_byte(**learner, tokenizer, tokens, LearnMode::kScoreOnly);
  ASSERT_TRUE(result.is_ok());
  double bits = 0;
  for (std::size_t part = 0; part < 10; ++part) {
    std::size_t bytes = 0;
    double part_bits = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (i * 10 / tokens.size() != part) continue;
      bytes += tokenizer.piece(tokens[i]).size();
      part_bits += static_cast<double>(result->nats[i]) / std::numbers::ln2;
    }
    EXPECT_NEAR(result->tenths[part], part_bits / static_cast<double>(bytes), 1e-9);
    bits += part_bits;
  }
  EXPECT_NEAR(bits / static_cast<double>(result->bytes), result->bits_per_byte, 1e-9);

  const auto few =
      measure_bits_per_byte(**learner, tokenizer, std::vector<Token>{98, 99}, LearnMode::kScoreAndLearn);
  ASSERT_TRUE(few.is_ok());
  EXPECT_TRUE(std::isnan(few->tenths[1]));
  EXPECT_FALSE(measure_bits_per_byte(**learner, tokenizer, {}, LearnMode::kScoreOnly).is_ok());
  EXPECT_FALSE(
      measure_bits_per_byte(**learner, tokenizer, std::vector<Token>{1, 320}, LearnMode::kScoreOnly).is_ok());
}

TEST_F(EvalTest, JsonHasOneObjectAFile) {
  const Outcome outcome = run("bpb --json --backend ref --weights " + path("tiny.safetensors") + " " +
                              path("auth.log") + " " + path("auth.log"));
  ASSERT_EQ(outcome.code, 0) << outcome.output;
  std::istringstream lines(outcome.output);
  std::string line;
  std::vector<double> totals;
  while (std::getline(lines, line)) {
    const auto json = Json::parse(line);
    ASSERT_TRUE(json.is_ok()) << line;
    EXPECT_EQ(json->object()->size(), 6u) << line;
    EXPECT_EQ(*json->find("file")->string(), path("auth.log"));
    EXPECT_EQ(json->find("bytes")->natural(), static_cast<std::int64_t>(read("auth.log").size()));
    EXPECT_GT(json->find("tokens")->natural(), 0);
    EXPECT_EQ(json->find("tenths")->array()->size(), 10u);
    EXPECT_GT(*json->find("tokens_per_s")->number(), 0);
    totals.push_back(*json->find("bits_per_byte")->number());
  }
  ASSERT_EQ(totals.size(), 2u);
  EXPECT_EQ(totals[0], totals[1]) << "each file starts from a fresh state";
}

TEST_F(EvalTest, TokenIdsAndTextAgree) {
  const auto model = Model::open(path("tiny.safetensors"));
  std::vector<Token> tokens;
  (*model)->tokenizer().encode(read("auth.log"), tokens);
  std::string ids;
  for (const Token t : tokens) ids += {static_cast<char>(t & 0xFF), static_cast<char>(t >> 8)};
  std::ofstream(path("ids"), std::ios::binary) << ids;
  const std::string options = "bpb --backend ref --weights " + path("tiny.safetensors") + " --nll-out ";
  EXPECT_EQ(run(options + path("a") + " " + path("auth.log")).code, 0);
  EXPECT_EQ(run(options + path("b") + " --token-ids " + path("ids")).code, 0);
  EXPECT_EQ(read("a").size(), 4 * tokens.size());
  EXPECT_EQ(read("a"), read("b"));
  EXPECT_EQ(run(options + path("c") + " --limit-tokens 40 " + path("auth.log")).code, 0);
  EXPECT_EQ(read("c"), read("a").substr(0, 160));
}

TEST_F(EvalTest, BadInputIsOneLineAndExitTwo) {
  std::ofstream(path("empty"));
  std::ofstream(path("odd")) << "abc";
  std::ofstream(path("broken.safetensors")) << read("tiny.safetensors").substr(0, 5000);
  const std::string tiny = " --weights " + path("tiny.safetensors") + " ";
  const std::pair<std::string, std::string> cases[] = {
      {"", "silt-eval bpb FILE"},
      {"speed x", "silt-eval bpb FILE"},
      {"bpb", "no file"},
      {"bpb --frobnicate x", "unknown option --frobnicate"},
      {"bpb --threads 0 x", "--threads"},
      {"bpb --limit-tokens -5 x", "--limit-tokens"},
      {"bpb x --weights", "needs a value"},
      {"bpb --json" + tiny + path("none"), "No such file"},
      {"bpb --json" + tiny + path("empty"), "is empty"},
      {"bpb --json" + tiny + folder_.string(), "directory"},
      {"bpb --json --token-ids" + tiny + path("odd"), "odd size"},
      {"bpb --json --backend warp" + tiny + path("odd"), "warp"},
      {"bpb --json --weights " + path("broken.safetensors") + " " + path("auth.log"),
       "short of what its header"},
      {"bpb --json --weights " + path("none") + " " + path("auth.log"), "No such file"},
      {"bpb --nll-out x" + tiny + "a b", "one FILE"},
      {"fit-recall x", "--out GATE"},
      {"bpb x --out gate", "--out GATE"}};
  for (const auto& [arguments, words] : cases) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 1) << outcome.output;
    EXPECT_NE(outcome.output.find(words), std::string::npos) << arguments << ": " << outcome.output;
  }
  EXPECT_EQ(run("--help").code, 0);
}

TEST_F(EvalTest, FindsTheInstalledWeightsAndSaysWhereItLooked) {
  fs::create_directories(folder_ / "bin");
  fs::create_directories(folder_ / "share/silt");
  fs::copy_file(SILT_EVAL, folder_ / "bin/silt-eval");
  const auto run_copy = [&] {
    const std::string command = "cd " + folder_.string() + " && bin/silt-eval bpb --json auth.log >out 2>&1";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  EXPECT_EQ(run_copy(), 2);
  EXPECT_NE(read("out").find(path("share/silt/silt-23m.safetensors")), std::string::npos) << read("out");
  EXPECT_NE(read("out").find("--weights"), std::string::npos);
  fs::copy_file(path("tiny.safetensors"), path("share/silt/silt-23m.safetensors"));
  EXPECT_EQ(run_copy(), 0) << read("out");
  fs::rename(folder_ / "share/silt/silt-23m.safetensors", folder_ / "bin/silt-23m.safetensors");
  EXPECT_EQ(run_copy(), 0) << read("out");
  fs::create_directories(folder_ / "model/weights");
  fs::rename(folder_ / "bin/silt-23m.safetensors", folder_ / "model/weights/silt-23m.safetensors");
  EXPECT_EQ(run_copy(), 0) << read("out");
}

TEST(EvalOptions, ReadsFlagsValuesAndFiles) {
  const std::vector<std::string_view> arguments{
      "bpb",  "--json",     "a.log",     "--threads=2", "--limit-tokens",
      "1000", "--no-learn", "--compare", "--",          "-odd-name"};
  const auto options = parse_eval_options(arguments);
  ASSERT_TRUE(options.is_ok()) << options.status().message();
  EXPECT_EQ(options->files, (std::vector<std::string>{"a.log", "-odd-name"}));
  EXPECT_EQ(options->threads, 2);
  EXPECT_EQ(options->tokens_max, 1000u);
  EXPECT_TRUE(options->json);
  EXPECT_FALSE(options->learn);
  EXPECT_EQ(options->compare, true);
}

TEST(Compressors, CountWhatAProgramWritesAndSkipWhatIsMissing) {
  const std::string input(300000, 'x');
  EXPECT_EQ(compressed_size({"cat"}, input), input.size());
  EXPECT_EQ(compressed_size({"no-such-compressor-here"}, input), std::nullopt);
  EXPECT_EQ(compressed_size({"false"}, input), std::nullopt);
}

// The way of a weight file to a fitted gate and back, as add_recall.py describes it.
TEST_F(EvalTest, FitsARecallGate) {
  if (std::system("python3 -c 1 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
  const std::string script = "python3 " SILT_SOURCE_DIR "/model/training/add_recall.py ";
  const auto add = [&](const std::string& from, const std::string& to, const std::string& options) {
    return std::system((script + path(from) + " " + path(to) + " --slots-log2 " + options).c_str());
  };
  const auto measure = [&](const std::string& weights) {
    const auto model = Model::open(path(weights));
    EXPECT_TRUE(model.is_ok()) << model.status().message();
    const auto learner = Learner::create(*model, {.name = "ref", .threads = 1}, {});
    EXPECT_TRUE(learner.is_ok()) << learner.status().message();
    std::vector<Token> tokens;
    (*model)->tokenizer().encode(read("auth.log"), tokens);
    const auto result =
        measure_bits_per_byte(**learner, (*model)->tokenizer(), tokens, LearnMode::kScoreAndLearn);
    EXPECT_TRUE(result.is_ok()) << result.status().message();
    return result->bits_per_byte;
  };
  ASSERT_EQ(add("tiny.safetensors", "unfitted.safetensors", "10"), 0);
  const Outcome without = run("fit-recall --backend ref --weights " + path("tiny.safetensors") + " --out " +
                              path("gate") + " " + path("auth.log"));
  EXPECT_EQ(without.code, 2);
  EXPECT_NE(without.output.find("no recall to fit: add_recall.py"), std::string::npos) << without.output;
  const Outcome fitted =
      run("fit-recall --backend ref --no-compare --weights " + path("unfitted.safetensors") + " --out " +
          path("gate") + " " + path("auth.log") + " " + path("auth.log"));
  ASSERT_EQ(fitted.code, 0) << fitted.output;
  ASSERT_EQ(add("unfitted.safetensors", "fitted.safetensors", "10 --gate " + path("gate")), 0);
  ASSERT_EQ(add("fitted.safetensors", "none.safetensors", "0"), 0);
  const double plain = measure("tiny.safetensors");
  const double unfitted = measure("unfitted.safetensors");
  EXPECT_LT(unfitted, 0.8 * plain);
  EXPECT_LT(measure("fitted.safetensors"), 0.98 * unfitted) << "on the stream that it was fitted on";
  EXPECT_EQ(measure("none.safetensors"), plain);

  std::ofstream(path("gate"), std::ios::binary) << std::string(400, '\0');
  ASSERT_EQ(add("unfitted.safetensors", "short.safetensors", "10 --gate " + path("gate")), 0);
  EXPECT_FALSE(Model::open(path("short.safetensors")).is_ok());
  ASSERT_EQ(add("unfitted.safetensors", "huge.safetensors", "60"), 0);
  EXPECT_FALSE(Model::open(path("huge.safetensors")).is_ok());
}

TEST_F(EvalTest, EncodesLines) {
  std::ofstream(path("texts")) << "failed login\nlogin was refused\n";
  const std::string weights = " --weights " SILT_SOURCE_DIR "/model/weights/minilm-l6.safetensors ";
  const Outcome table = run("encode " + path("texts") + weights);
  EXPECT_EQ(table.code, 0) << table.output;
  EXPECT_NE(table.output.find(" 1.000 0."), std::string::npos) << table.output;
  const Outcome json = run("encode " + path("texts") + weights + "--json --threads 2 --isa baseline");
  EXPECT_NE(json.output.find("{\"tokens\":[101,3478,8833,2378,102],\"vector\":["), std::string::npos)
      << json.output.substr(0, 200);
  for (const char* wrong :
       {"encode", "encode none", "encode texts more", "encode texts --threads 0", "encode texts --odd 1"}) {
    EXPECT_EQ(run(wrong + weights).code, 2) << wrong;
  }
}

}  // namespace
}  // namespace silt::model
