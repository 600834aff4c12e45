// The tidy tests' own eyes: a checker that sees nothing would be green for ever.
#include <gtest/gtest.h>

#include "tests/tidy/tree.h"

namespace silt::tidy {
namespace {

TEST(TidySelf, CommentsAndLiteralsAreNotCode) {
  EXPECT_EQ(code_of("a // b {\nc"), "a       \nc");
  EXPECT_EQ(code_of("f(\"{\", '}', 1'000);"), "f(   ,    , 1'000);");
  EXPECT_EQ(code_of("x /* { \n } */ y"), "x      \n      y");
  EXPECT_EQ(code_of("R\"x({)\")x\" y"), "           y");
}

TEST(TidySelf, FindsIncludes) {
  const auto includes = includes_of("#include \"base/status.h\"\n// #include <no>\n#include <vector>\n");
  ASSERT_EQ(includes.size(), 2U);
  EXPECT_TRUE(includes[0].quoted);
  EXPECT_EQ(includes[0].path, "base/status.h");
  EXPECT_EQ(includes[1].path, "vector");
}

TEST(TidySelf, MeasuresFunctions) {
  const auto functions = functions_of(
      "namespace a {\n"
      "class B {\n"
      "  void one() {\n"
      "    if (x) {\n"
      "    }\n"
      "  }\n"
      "};\n"
      "int two(int a,\n"
      "        int b) {\n"
      "  return 1;\n"
      "}\n"
      "constexpr int kTable[] = {\n"
      "  1,\n"
      "};\n"
      "}\n");
  ASSERT_EQ(functions.size(), 2U);
  EXPECT_EQ(functions[0].first_line, 3);
  EXPECT_EQ(functions[0].lines, 4);
  EXPECT_EQ(functions[1].first_line, 9);
  EXPECT_EQ(functions[1].lines, 3);
}

TEST(TidySelf, SeesTheTree) {
  const auto files = source_files();
  EXPECT_GT(files.size(), 50U);
  int functions = 0;
  for (const SourceFile& file : files) functions += static_cast<int>(functions_of(file.text).size());
  EXPECT_GT(functions, 500);
  EXPECT_EQ((SourceFile{"daemon/store/keys.cc", ""}.part()), "daemon/store");
  EXPECT_EQ((SourceFile{"daemon/app.cc", ""}.part()), "daemon");
  EXPECT_EQ((SourceFile{"connectors/file/tail.cc", ""}.top()), "connectors");
}

}  // namespace
}  // namespace silt::tidy
