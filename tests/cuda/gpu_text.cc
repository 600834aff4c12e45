#include "tests/cuda/gpu_text.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

namespace silt::model {
namespace {

std::string invented_line(int kind, std::mt19937& random) {
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto skewed = [&](unsigned limit) { return below(below(limit) + 1); };
  char line[256];
  switch (kind * 2 + static_cast<int>(below(2))) {
    case 0:
      std::snprintf(line, sizeof line, "lock: badge %u opened door %u in %u ms\n", 4000 + skewed(300), skewed(12),
                    20 + skewed(90));
      break;
    case 1:
      std::snprintf(line, sizeof line, "sync: hub-%u does not answer (try %u of 5), next in %u s\n", skewed(3),
                    1 + below(5), 5 + skewed(60));
      break;
    case 2:
      std::snprintf(line, sizeof line, "GET /api/v%u/items/%u HTTP/1.1 %u %u\n", 1 + below(2), skewed(9000),
                    below(9) == 0 ? 404 : 200, 100 + skewed(4000));
      break;
    case 3:
      std::snprintf(line, sizeof line, "WARN pool-%u: connection %08x idle for %u s, closing\n", skewed(4),
                    below(1u << 31), 30 + skewed(600));
      break;
    case 4:
      std::snprintf(line, sizeof line, "kernel: [%u.%06u] eth%u: link is %s\n", 1000 + below(90000), below(1000000),
                    skewed(3), below(2) == 0 ? "up" : "down");
      break;
    case 5:
      std::snprintf(line, sizeof line, "sshd[%u]: Failed password for root from 10.0.%u.%u port %u ssh2\n",
                    1000 + below(20000), skewed(8), below(256), 1024 + below(60000));
      break;
    case 6:
      std::snprintf(line, sizeof line, "{\"level\":\"info\",\"job\":\"nightly-%u\",\"rows\":%u,\"ms\":%u}\n", skewed(6),
                    skewed(100000), skewed(9000));
      break;
    case 7:
      std::snprintf(line, sizeof line,
                    "{\"level\":\"error\",\"job\":\"import\",\"error\":\"row %u: no such column\"}\n", skewed(5000));
      break;
    case 8:
      std::snprintf(line, sizeof line, "The operator noted that pump %u ran for %u hours before the valve stuck.\n",
                    skewed(7), skewed(400));
      break;
    default:
      std::snprintf(line, sizeof line, "After the restart of unit %u nothing unusual was seen until hour %u.\n",
                    skewed(9), skewed(48));
      break;
  }
  return line;
}

}  // namespace

std::string invented_log(int kind, std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  unsigned seconds = random() % 80000;
  while (text.size() < bytes) {
    seconds += random() % 4;
    char stamp[64];
    std::snprintf(stamp, sizeof stamp, "2031-05-%02uT%02u:%02u:%02uZ ", 1 + seconds / 86400 % 28, seconds / 3600 % 24,
                  seconds / 60 % 60, seconds % 60);
    text += stamp;
    text += invented_line(kind, random);
  }
  return text;
}

std::vector<std::vector<Token>> five_streams(const Tokenizer& tokenizer, const std::vector<std::string>& files,
                                             std::size_t tokens) {
  std::vector<std::vector<Token>> streams;
  for (std::size_t i = 0; i < 5; ++i) {
    std::string text;
    if (i < files.size()) {
      std::ifstream in(files[i], std::ios::binary);
      text.assign(std::istreambuf_iterator<char>(in), {});
    }
    if (text.size() < 4 * tokens) text += invented_log(static_cast<int>(i), 6 * tokens, static_cast<unsigned>(i) + 7);
    std::vector<Token>& stream = streams.emplace_back();
    tokenizer.encode(text, stream);
    if (stream.size() > tokens) stream.resize(tokens);
  }
  return streams;
}

std::vector<std::vector<Token>> many_streams(const Tokenizer& tokenizer, int count, std::size_t tokens) {
  std::vector<std::vector<Token>> streams;
  for (int i = 0; i < count; ++i) {
    std::vector<Token>& stream = streams.emplace_back();
    for (unsigned more = 0; stream.size() < tokens; ++more) {
      tokenizer.encode(invented_log(i % 5, 3 * tokens, static_cast<unsigned>(i) + 1000 * more), stream);
    }
    stream.resize(tokens);
  }
  return streams;
}

}  // namespace silt::model
