// silt-eval ground: the share of questions whose right pattern is among the first, by ranker.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "daemon/tools/commands.h"
#include "tests/support/temp_dir.h"

namespace silt::tools {
namespace {

class GroundTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_.path(name), std::ios::binary) << text; }
  int run() {
    const std::string questions = folder_.path("questions.jsonl"), root = folder_.path();
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const std::vector<std::string_view> arguments = {questions, root};
    const int code = ground_questions(arguments);
    out_ = ::testing::internal::GetCapturedStdout();
    errors_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  silt::testing::TempDir folder_;
  std::string out_, errors_;
};

TEST_F(GroundTest, TellsTheSharesOfEachRanker) {
  std::string log;
  for (int i = 10; i < 30; ++i) {
    log += "2026-11-30 10:00:" + std::to_string(i) + " sshd: Accepted password for u" + std::to_string(i) + "\n";
    log += "2026-11-30 10:00:" + std::to_string(i) + " kernel: disk sda has a bad sector " + std::to_string(i) + "\n";
  }
  write("a.log", log);
  write("questions.jsonl",
        R"({"question": "which sector of the disk is bad?", "files": ["a.log"], "evidence": [2]})" "\n"
        R"({"question": "who signed in?", "files": ["a.log"], "evidence": [1, 3]})" "\n"
        R"({"question": "which sector of the disk is bad?", "files": ["a.log"], "evidence": [1]})" "\n"
        R"({"question": "not counted", "files": ["a.log"], "evidence": []})" "\n");
  ASSERT_EQ(run(), 0) << errors_;
  const auto row = [&](const std::string& name) {
    const std::size_t at = out_.find("\n" + name + "  ");
    return at == std::string::npos ? std::string() : out_.substr(at + 1, out_.find('\n', at + 1) - at - 1);
  };
  out_ = "\n" + out_;
  EXPECT_NE(row("words").find("3 questions  top-1 0.333"), std::string::npos) << out_;
  EXPECT_NE(row("words, thesaurus").find("3 questions  top-1 0.667"), std::string::npos) << out_;
  EXPECT_EQ(out_.find("encoder"), std::string::npos) << "none was given";
}

TEST_F(GroundTest, SaysWhatItCannotRead) {
  write("questions.jsonl", "{\"question\": \"how many?\", \"files\": [\"gone.log\"], \"evidence\": [1]}\n");
  EXPECT_EQ(run(), 2);
  EXPECT_NE(errors_.find("gone.log: cannot be read"), std::string::npos) << errors_;
  write("questions.jsonl", "no JSON\n");
  EXPECT_EQ(run(), 2);
  EXPECT_NE(errors_.find("questions.jsonl:1: no JSON object"), std::string::npos) << errors_;
  write("questions.jsonl", "");
  EXPECT_EQ(run(), 2);
  EXPECT_NE(errors_.find("has no question with evidence"), std::string::npos) << errors_;
}

}  // namespace
}  // namespace silt::tools
