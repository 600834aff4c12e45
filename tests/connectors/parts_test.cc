// The parts that stand alone: line splitter, globs, rotated names, cursor rows.
#include <gtest/gtest.h>

#include <map>

#include "connectors/file/generation.h"
#include "connectors/file/globs.h"
#include "connectors/file/rotated_name.h"
#include "connectors/file/stream_name.h"
#include "connectors/line_splitter.h"

namespace silt::connectors {
namespace {

std::vector<std::string> split(std::string_view window, std::string* rest) {
  LineSplitter splitter(window);
  std::vector<std::string> lines;
  std::string_view line;
  while (splitter.next(line)) lines.emplace_back(line);
  *rest = splitter.rest();
  EXPECT_EQ(splitter.consumed() + rest->size(), window.size());
  return lines;
}

TEST(LineSplitterTest, EndsLinesAtLineFeedsOnly) {
  using Lines = std::vector<std::string>;
  std::string rest;
  EXPECT_EQ(split("", &rest), Lines());
  EXPECT_EQ(split("open", &rest), Lines());
  EXPECT_EQ(rest, "open");
  EXPECT_EQ(split("\n", &rest), Lines{""});
  EXPECT_EQ(split("a\r\n\nb\rc\nrest", &rest), (Lines{"a\r", "", "b\rc"}));
  EXPECT_EQ(rest, "rest");
  const std::string_view nul("n\0l\n\0", 5);
  EXPECT_EQ(split(nul, &rest), Lines{std::string("n\0l", 3)});
  EXPECT_EQ(rest, std::string("\0", 1));
}

Globs globs(const std::vector<std::string>& patterns, bool anywhere = false) {
  Result<Globs> compiled = Globs::compile(patterns, anywhere);
  EXPECT_TRUE(compiled.is_ok()) << compiled.status().to_string();
  return std::move(compiled).value();
}

TEST(GlobsTest, MatchesComponents) {
  EXPECT_TRUE(globs({"/var/log/*.log"}).matches("/var/log/a.log"));
  EXPECT_FALSE(globs({"/var/log/*.log"}).matches("/var/log/x/a.log"));
  EXPECT_FALSE(globs({"/var/log/*.log"}).matches("/var/log/.hidden.log"));
  EXPECT_TRUE(globs({"/var/log/.*.log"}).matches("/var/log/.hidden.log"));
  EXPECT_TRUE(globs({"/var/*/[ab]?.log"}).matches("/var/x/a1.log"));
  EXPECT_FALSE(globs({"/var/*/[ab]?.log"}).matches("/var/x/c1.log"));
  EXPECT_TRUE(globs({"/x", "/var/log/syslog"}).matches("/var/log/syslog"));
}

TEST(GlobsTest, TwoStarsStandForAnyDepth) {
  const Globs all = globs({"/var/**/*.log"});
  EXPECT_TRUE(all.matches("/var/a.log"));
  EXPECT_TRUE(all.matches("/var/x/y/z/a.log"));
  EXPECT_FALSE(all.matches("/var/.x/a.log"));
  EXPECT_FALSE(all.matches("/opt/a.log"));
  EXPECT_TRUE(globs({"/var/**"}).matches("/var/x/y"));
  EXPECT_TRUE(globs({"/a/**/b/**/c"}).matches("/a/b/b/x/c"));
}

TEST(GlobsTest, TellsWhichFoldersToEnter) {
  const Globs pattern = globs({"/var/log/*/x/*.log", "/srv/**/*.log"});
  EXPECT_TRUE(pattern.may_contain("/var"));
  EXPECT_TRUE(pattern.may_contain("/var/log/host1"));
  EXPECT_FALSE(pattern.may_contain("/var/log/host1/y"));
  EXPECT_TRUE(pattern.may_contain("/srv/a/b/c"));
  EXPECT_FALSE(pattern.may_contain("/srv/a/.git"));
  EXPECT_FALSE(pattern.may_contain("/opt"));
  EXPECT_TRUE(pattern.names_directory("/var/log/host1"));
  EXPECT_FALSE(pattern.names_directory("/srv/a")) << "links under ** could lead in circles";
  EXPECT_EQ(pattern.roots(), (std::vector<std::string>{"/var/log", "/srv"}));
  EXPECT_EQ(globs({"/*.log"}).roots(), std::vector<std::string>{"/"});
}

TEST(GlobsTest, SetsAndBackslashes) {
  EXPECT_TRUE(globs({"/a/[!x-z]b"}).matches("/a/qb"));
  EXPECT_FALSE(globs({"/a/[!x-z]b"}).matches("/a/yb"));
  EXPECT_TRUE(globs({"/a/[]x]b"}).matches("/a/]b"));
  EXPECT_TRUE(globs({"/a/[[:digit:]_]b"}).matches("/a/7b"));
  EXPECT_FALSE(globs({"/a/[[:digit:]_]b"}).matches("/a/xb"));
  EXPECT_TRUE(globs({"/a/[b"}).matches("/a/[b")) << "no set without its end";
  EXPECT_TRUE(globs({"/a/\\*b"}).matches("/a/*b"));
  EXPECT_FALSE(globs({"/a/\\*b"}).matches("/a/xb"));
  EXPECT_TRUE(globs({"/a/?"}).matches("/a/\xff")) << "bytes, whatever the locale";
  EXPECT_FALSE(globs({"/a/[.x]b"}).matches("/a/.b")) << "a leading dot only by a dot";
}

TEST(GlobsTest, TellsWhatTheWildcardsMatched) {
  using Captures = std::vector<std::string_view>;
  const Globs pods = globs({"/none/*", "/pods/*_*_[a-f]*/**/?.log"});
  EXPECT_EQ(pods.captures("/pods/kube_dns_1_b7/x/y/0.log"),
            (Captures{"kube", "dns_1", "b", "7", "x/y", "0"}));
  EXPECT_EQ(pods.captures("/pods/a_b_c/0.log"), (Captures{"a", "b", "c", "", "", "0"}));
  EXPECT_EQ(pods.captures("/pods/a_b_z/0.log"), Captures());
  EXPECT_EQ(pods.captures_min(), 1u);
  EXPECT_EQ(globs({"/a/**/b/**/c"}).captures("/a/x/b/b/c"), (Captures{"x", "b"}));
}

TEST(GlobsTest, TimeIsNotExponential) {
  std::string pattern = "/var/log", path = "/var/log";
  for (int i = 0; i < 12; ++i) pattern += "/**/a";
  for (int i = 0; i < 300; ++i) path += "/a";
  EXPECT_FALSE(globs({pattern + "/*.log"}).matches(path + "/x.txt"));
  EXPECT_TRUE(globs({pattern + "/*.log"}).matches(path + "/x.log"));
  std::string stars = "/";
  for (int i = 0; i < 30; ++i) stars += "*a";
  EXPECT_FALSE(globs({stars + "b"}).matches("/" + std::string(250, 'a')));
}

TEST(StreamNameTest, FillsTheTemplateFromThePath) {
  const Globs include = globs({"/srv/*/logs/*.log*"});
  const auto name = [&](const char* text, const std::string& path) {
    return StreamName::compile(text, include).value().of(path, include);
  };
  const std::string path = "/srv/shop/logs/web.access.log";
  EXPECT_EQ(name("{path}", path), path);
  EXPECT_EQ(name("x-{dir}/{file}:{stem}", path), "x-logs/web.access.log:web.access");
  EXPECT_EQ(name("{2}@{1}", path), "web.access@shop");
  EXPECT_EQ(name("", path), "");
  EXPECT_EQ(name("plain", path), "plain");
  EXPECT_EQ(name("{3}", path), path.substr(path.rfind('/') + 1)) << "never empty";
}

TEST(StreamNameTest, AStemHasNoCountNoDateAndNoExtension) {
  for (const auto& [name, stem] : std::map<std::string, std::string>{{"app.log", "app"},
                                                                     {"app.log.3", "app"},
                                                                     {"app.log.old", "app"},
                                                                     {"app.log-20261121", "app"},
                                                                     {"my.app-2026-11-21.log", "my.app"},
                                                                     {"messages", "messages"},
                                                                     {"messages-20261121", "messages"},
                                                                     {"syslog.1", "syslog"},
                                                                     {"db-1.log", "db-1"},
                                                                     {"node-1", "node-1"},
                                                                     {".hidden", ".hidden"},
                                                                     {"a\xff.log", "a\xff"}}) {
    EXPECT_EQ(stem_of(name), stem) << name;
  }
}

TEST(GlobsTest, ExcludesMatchAtAnyDepth) {
  const Globs exclude = globs({"*.gz", "journal/**", "/var/log/secret"}, true);
  EXPECT_TRUE(exclude.matches("/var/log/x/a.gz"));
  EXPECT_TRUE(exclude.matches("/var/log/journal/id/system.journal"));
  EXPECT_TRUE(exclude.matches("/var/log/secret"));
  EXPECT_FALSE(exclude.matches("/opt/var/log/secret"));
  EXPECT_FALSE(exclude.matches("/var/log/journal.log"));
}

std::string first_live_name(std::string_view name) {
  const std::vector<LiveName> names = live_names_of(name);
  return names.empty() ? "" : names.front().name;
}

TEST(RotatedNameTest, FindsTheLiveName) {
  EXPECT_EQ(first_live_name("a.log.1"), "a.log");
  EXPECT_EQ(first_live_name("a.log.12"), "a.log");
  EXPECT_EQ(first_live_name("syslog.1"), "syslog");
  EXPECT_EQ(first_live_name("a.log-20261121"), "a.log");
  EXPECT_EQ(first_live_name("a.log.2026-11-21T10:00:00Z"), "a.log");
  EXPECT_EQ(first_live_name("a.log-2026_11_21.3"), "a.log");
  EXPECT_EQ(first_live_name("a-20261121.log"), "a.log");
  EXPECT_EQ(first_live_name("a.1.log"), "a.log");
  EXPECT_EQ(first_live_name("app-1.log.2"), "app-1.log");
  EXPECT_EQ(first_live_name("web2.log.old"), "web2.log");
}

TEST(RotatedNameTest, LeavesOtherNamesAlone) {
  for (const char* name :
       {"a.log", "syslog", "f10.log", "web2", "20261121", ".1", "a.log.bak", "a.log.", ""}) {
    EXPECT_EQ(first_live_name(name), "") << name;
  }
  EXPECT_NE(first_live_name("a.log.1.gz"), "a.log");
}

TEST(GenerationRowTest, ComesBackAsItWas) {
  GenerationRow row;
  row.id = 0x1234567890abcdef;
  row.chain = "/var/log/a.log";
  row.path = std::string("/var/log/odd\n\xff name", 19);
  row.key = {1, 2, -3, 4};
  row.offset = 5000;
  row.head = Fingerprint::of("head");
  row.tail = Fingerprint::of("tail");
  row.seen_size = 6000;
  row.order_ns = -7;
  row.gone_since_us = 8;
  row.loss_reported = true;
  const Result<GenerationRow> back = decode_row(encode_row(row));
  ASSERT_TRUE(back.is_ok()) << back.status().to_string();
  EXPECT_EQ(encode_row(*back).value, encode_row(row).value);
  EXPECT_EQ(back->path, row.path);
  EXPECT_EQ(back->tail.digest, row.tail.digest);
  EXPECT_TRUE(back->loss_reported);
  EXPECT_FALSE(back->ignored);
}

TEST(GenerationRowTest, DamageAndOtherVersionsAreRefused) {
  GenerationRow row;
  row.id = 1;
  CursorRow stored = encode_row(row);
  stored.value += "x";
  EXPECT_EQ(decode_row(stored).status().code(), Code::kDataLoss);
  stored = encode_row(row);
  stored.value[0] = 9;
  EXPECT_EQ(decode_row(stored).status().code(), Code::kFailedPrecondition);
  stored = encode_row(row);
  stored.key = encode_row(GenerationRow{.id = 2}).key;
  EXPECT_EQ(decode_row(stored).status().code(), Code::kDataLoss) << "a row under another's key";
}

TEST(FileKeyTest, UnknownPartsDoNotCount) {
  const FileKey full{1, 2, 3, 4};
  EXPECT_TRUE(full.may_be({1, 2, 3, 4}));
  EXPECT_TRUE(full.may_be({1, 2, 0, 0}));
  EXPECT_FALSE(full.may_be({1, 2, 5, 4}));
  EXPECT_FALSE(full.may_be({1, 2, 3, 5}));
  EXPECT_FALSE(full.may_be({9, 2, 3, 4}));
}

}  // namespace
}  // namespace silt::connectors
