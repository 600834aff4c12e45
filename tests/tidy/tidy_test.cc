// What keeps the tree readable, checked on every build: who may include whom, how long things may
// get, and what is not done here.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/tidy/tree.h"

namespace silt::tidy {
namespace {

using Names = std::set<std::string, std::less<>>;

// Exceptions. These lists may only get shorter.
const Names kLongHeaders = {};
const Names kLongFunctions = {};

constexpr std::size_t kFileLines = 600;
constexpr std::size_t kHeaderLines = 250;
constexpr int kFunctionLines = 70;

bool is_test(const SourceFile& file) {
  return file.top() == "tests";
}

// Who may include whom, by folder; a folder may always include itself.
const std::map<std::string, Names, std::less<>> kArrows = {
    {"base", {}},
    {"model", {"base", "model/backends", "model/cpu", "model/cuda", "model/ops"}},
    {"model/backends", {"base", "model/cpu", "model/ops", "model/ref"}},
    {"model/cpu", {"base", "model/ops"}},
    {"model/cuda", {"base", "model/ops"}},
    {"model/encoder", {"base", "model", "model/cpu"}},
    {"model/ops", {"base"}},
    {"model/ref", {"base", "model/ops"}},
    {"model/tools", {"base", "model", "model/encoder"}},
    {"connectors", {"base", "connectors/decompress", "proto"}},
    {"connectors/decompress", {"base"}},
    {"cli", {"base", "connectors/decompress", "proto"}},
    {"bench",
     {"base", "model", "model/backends", "model/cpu", "model/cuda", "model/encoder", "model/ops",
      "connectors", "daemon/answer", "daemon/fold", "daemon/intake", "daemon/learn", "daemon/store", "daemon/watch",
      "proto"}},
    {"daemon/fold", {"base"}},
    {"daemon/telemetry", {"base"}},
    {"daemon/tools",
     {"base", "connectors", "model", "model/encoder", "model/tools", "daemon/answer", "daemon/fold", "daemon/store"}},
    {"daemon/store", {"base", "connectors", "proto"}},
    {"daemon/intake", {"base", "connectors", "daemon/fold", "daemon/store"}},
    {"daemon/learn", {"base", "model", "proto", "daemon/fold", "daemon/store"}},
    {"daemon/access", {"base", "daemon/store"}},
    {"daemon/answer",
     {"base", "model", "model/encoder", "proto", "daemon/access", "daemon/fold", "daemon/store", "daemon/learn"}},
    {"daemon/assistant", {"base", "connectors", "proto", "daemon/answer"}},
    {"daemon/serve",
     {"base", "proto", "daemon/access", "daemon/fold", "daemon/intake", "daemon/store", "daemon/learn", "daemon/answer",
      "daemon/watch"}},
    {"daemon/watch", {"base", "proto", "daemon/fold", "daemon/store"}},
    {"daemon/outbox", {"base", "connectors", "proto", "daemon/store", "daemon/watch"}},
};

std::string unit_of(const SourceFile& file) {
  if (file.path.starts_with("connectors/decompress/")) return "connectors/decompress";
  return file.top() == "daemon" || file.top() == "model" ? file.part() : std::string(file.top());
}

TEST(Tidy, IncludesFollowTheArrows) {
  for (const SourceFile& file : source_files()) {
    const std::string unit = unit_of(file);
    const auto allowed = kArrows.find(unit);
    if (is_test(file) || unit == "daemon") continue;  // both may use everything
    ASSERT_NE(allowed, kArrows.end()) << file.path << ": a new folder needs its arrows here";
    for (const Include& include : includes_of(file.text)) {
      if (!include.quoted || include.path.starts_with("google/protobuf/")) continue;
      const std::string target = unit_of({include.path, ""});
      EXPECT_TRUE(target == unit || allowed->second.contains(target))
          << file.path << " includes " << include.path << ", but " << unit << " may not use " << target;
    }
  }
}

// The rooms of the answer path: each may use those named here, and the files at the top of daemon/answer
// that are no rooms' (query.h, tables.h).
const std::map<std::string, Names, std::less<>> kRooms = {
    {"language", {}},
    {"search", {"language"}},
    {"plan", {"language", "search"}},
    {"meaning", {"language", "search", "plan"}},
    {"reply", {"language", "search", "plan"}},
};

TEST(Tidy, RoomsOfAnswersFollowTheArrows) {
  const auto room_of = [](std::string_view path) -> std::string {
    constexpr std::string_view kAnswer = "daemon/answer/";
    if (!path.starts_with(kAnswer)) return {};
    const std::string_view rest = path.substr(kAnswer.size());
    const std::size_t slash = rest.find('/');
    return slash == std::string_view::npos ? std::string("top") : std::string(rest.substr(0, slash));
  };
  const Names shared = {"daemon/answer/query.h", "daemon/answer/query_text.h", "daemon/answer/tables.h"};
  for (const SourceFile& file : source_files()) {
    const auto allowed = kRooms.find(room_of(file.path));
    if (allowed == kRooms.end()) continue;
    for (const Include& include : includes_of(file.text)) {
      const std::string target = room_of(include.path);
      if (target.empty() || shared.contains(include.path)) continue;
      EXPECT_TRUE(target == allowed->first || allowed->second.contains(target))
          << file.path << " includes " << include.path << ", but " << allowed->first << " may not use " << target;
    }
  }
}

TEST(Tidy, OurHeadersAreNamedFromTheRoot) {
  Names paths;
  for (const SourceFile& file : source_files()) paths.insert(file.path);
  for (const SourceFile& file : source_files()) {
    for (const Include& include : includes_of(file.text)) {
      const bool generated =
          include.path.starts_with("proto/") || include.path.starts_with("google/protobuf/");
      if (!include.quoted || generated) continue;
      EXPECT_TRUE(paths.contains(include.path)) << file.path << " includes \"" << include.path << "\"";
    }
  }
}

// Third-party headers stay in leaves: no header of ours drags them along, and each has its places.
struct Library {
  std::string prefix;
  std::vector<std::string> places;  // prefixes of paths
  bool in_headers;                  // of those places
};
const std::vector<Library> kLibraries = {
    {"grpc", {"daemon/serve/", "cli/client.cc", "connectors/otlp/grpc_server.cc", "bench/inputs.cc"}, true},
    {"rocksdb/", {"daemon/store/"}, true},
    {"hs/", {"daemon/fold/secret_cues.cc"}, false},
    {"boost/asio", {"connectors/", "daemon/app", "daemon/serve/http/", "daemon/serve/tls_relay.cc", "daemon/telemetry/"}, false},
    {"boost/beast", {"connectors/otlp/http_server.cc", "daemon/serve/http/"}, false},
    {"boost/json", {"cli/", "daemon/export", "daemon/serve/http/", "base/boost_json.cc", "connectors/json.cc"}, false},
    {"archive", {"connectors/decompress/"}, false},
    {"curl/", {"connectors/http/"}, false},
    {"gumbo", {"connectors/documents/html_text.cc"}, false},
    {"md4c", {"connectors/documents/markdown.cc"}, false},
    {"toml++/", {"daemon/config"}, false},
    {"prometheus/", {"daemon/serve/metrics.cc"}, false},
    {"spdlog/", {"daemon/telemetry/"}, false},
    {"CLI/", {"cli/main.cc"}, false},
    {"openssl/", {"daemon/access/", "daemon/store/sha256.cc"}, false},
    {"libstemmer", {"daemon/answer/language/words.cc"}, false},
    {"zstd.h", {"daemon/store/compress.cc"}, false},
    {"systemd/", {"daemon/telemetry/", "connectors/"}, false},
    {"google/protobuf/", {"connectors/otlp/request.cc", "daemon/", "cli/"}, true},
};

TEST(Tidy, LibrariesStayInTheirPlaces) {
  for (const SourceFile& file : source_files()) {
    if (is_test(file)) continue;
    for (const Include& include : includes_of(file.text)) {
      for (const Library& library : kLibraries) {
        if (!include.path.starts_with(library.prefix)) continue;
        const bool placed =
            std::any_of(library.places.begin(), library.places.end(),
                        [&](const std::string& place) { return file.path.starts_with(place); });
        EXPECT_TRUE(placed) << file.path << " includes <" << include.path << ">";
        EXPECT_TRUE(library.in_headers || !file.is_header())
            << file.path << " drags <" << include.path << "> along";
      }
    }
  }
}

TEST(Tidy, FilesAreShort) {
  for (const SourceFile& file : source_files()) {
    const std::size_t lines = lines_of(file.text).size();
    if (file.path.ends_with(".inc")) continue;  // generated tables
    EXPECT_LE(lines, kFileLines) << file.path;
    if (!file.is_header() || is_test(file)) continue;
    const bool excepted = kLongHeaders.contains(file.path);
    EXPECT_EQ(lines > kHeaderLines, excepted) << file.path << " has " << lines << " lines";
  }
}

TEST(Tidy, FunctionsAreShort) {
  Names seen;
  for (const SourceFile& file : source_files()) {
    for (const Function& function : functions_of(file.text)) {
      if (function.lines <= kFunctionLines) continue;
      const std::string name = file.path + ":" + std::to_string(function.first_line);
      seen.insert(file.path);
      EXPECT_TRUE(kLongFunctions.contains(file.path))
          << name << " is " << function.lines << " lines long: " << function.head;
    }
  }
  for (const std::string& excepted : kLongFunctions) {
    EXPECT_TRUE(seen.contains(excepted)) << excepted << " needs no exception any more";
  }
}

struct Ban {
  std::string word;  // in every match: looked for first, because std::regex is slow
  std::string pattern;
  std::string why;
  std::vector<std::string> allowed;  // prefixes of paths
};

TEST(Tidy, BannedCallsAreNotMade) {
  const std::vector<Ban> bans = {
      {"getenv", R"(\bgetenv\()", "configuration is not in the environment", {"cli/", "tests/", "connectors/http/credential.cc"}},
      // An input whose file system hangs cannot be waited for; its header says what becomes of it.
      {"detach", R"(\.detach\(\))", "a thread has an owner", {"daemon/intake/input_worker.cc"}},
      {"rand(", R"(\bs?rand\()", "not reproducible, and not safe between threads", {}},
      {"strtok(", R"(\bstrtok\()", "not safe between threads", {}},
      {"time(", R"(\b(gmtime|localtime|asctime|ctime)\()", "not safe between threads", {}},
      {"system(", R"(\bsystem\()", "no shell", {"tests/"}},
      {"popen(", R"(\bpopen\()", "no shell", {"tests/"}},
      {"strc", R"(\bstr(cpy|cat)\()", "unbounded", {}},
      {"sprintf(", R"(\bv?sprintf\()", "unbounded", {}},
      {"std::regex", "std::regex", "slow, and it overflows the stack", {"tests/"}},
      {"using namespace",
       R"(using namespace (std|silt|grpc|rocksdb)\s*;)",
       "names stay told apart",
       {"tests/"}},
      {"co_await", R"(\bco_await\b[^;]*\{)", "g++ 12 destroys aggregates and captures there twice", {}},
      {"co_await", R"(\b(if|while)\s*\([^;]*\bco_await\b)", "g++ 12 crashes on co_await in conditions", {}},
  };
  std::vector<std::regex> patterns;
  for (const Ban& ban : bans) patterns.emplace_back(ban.pattern);
  for (const SourceFile& file : source_files()) {
    const std::string code = code_of(file.text);
    int number = 0;
    for (const std::string_view line : lines_of(code)) {
      ++number;
      for (std::size_t i = 0; i < bans.size(); ++i) {
        if (line.find(bans[i].word) == std::string_view::npos) continue;
        const bool allowed =
            std::any_of(bans[i].allowed.begin(), bans[i].allowed.end(),
                        [&](const std::string& place) { return file.path.starts_with(place); });
        EXPECT_TRUE(allowed || !std::regex_search(line.begin(), line.end(), patterns[i]))
            << file.path << ":" << number << ": " << bans[i].why << ": " << line;
      }
    }
  }
}

TEST(Tidy, TestsDoNotSleep) {
  for (const SourceFile& file : source_files()) {
    if (!is_test(file) || file.path.ends_with("_child.cc")) continue;  // a child waits to be killed
    const std::string code = code_of(file.text);
    for (const std::string_view call : {"sleep_for", "sleep_until", "usleep(", "nanosleep("}) {
      EXPECT_EQ(code.find(call), std::string::npos) << file.path << " sleeps: wait for what it waits for";
    }
  }
}

TEST(Tidy, EverySourceIsBuilt) {
  std::string lists;
  for (const SourceFile& list : files_named("CMakeLists.txt")) lists += list.text;
  for (const SourceFile& file : source_files()) {
    if (!file.path.ends_with(".cc")) continue;
    const std::string name = file.path.substr(file.path.rfind('/') + 1);
    const std::string stem = name.substr(0, name.size() - 3);
    // "kernels_avx2.cc" may be listed as "kernels_${isa}.cc".
    const std::string family = stem.substr(0, stem.find('_') + 1) + "${";
    const bool listed = lists.find(name) != std::string::npos || lists.find(stem) != std::string::npos ||
                        (family.size() > 2 && lists.find(family) != std::string::npos);
    EXPECT_TRUE(listed) << file.path << " is in no CMakeLists.txt";
  }
}

TEST(Tidy, NoFileNamesTheMachineItWasWrittenOn) {
  const std::string forbidden[] = {std::string("/wo") + "rk/", std::string("/tmp") + "/b-"};
  for (const std::string_view kind : {".cc", ".h", ".txt", ".cmake", ".md", ".py", ".sh", ".toml", ".in",
                                      ".proto", "scripts/demo", "scripts/test", ".ci/run"}) {
    for (const SourceFile& file : files_named(kind)) {
      for (const std::string& path : forbidden) {
        EXPECT_EQ(file.text.find(path), std::string::npos) << file.path << " names " << path;
      }
    }
  }
}

TEST(Tidy, HeadersBeginWithWhatTheyAreAndPragmaOnce) {
  for (const SourceFile& file : source_files()) {
    if (!file.is_header()) continue;
    EXPECT_TRUE(file.text.starts_with("// ")) << file.path << " does not say what it is";
    EXPECT_NE(file.text.find("\n#pragma once\n"), std::string::npos) << file.path;
  }
}

}  // namespace
}  // namespace silt::tidy
