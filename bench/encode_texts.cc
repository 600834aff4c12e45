// encode_texts [WEIGHTS]: how many texts the sentence encoder turns into vectors, per second of CPU, by path.
//
// 400 texts of 20 tokens, one at a time as a question comes and all at once as the patterns of a source do.
#include <cstdio>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "model/cpu/features.h"
#include "model/default_weights.h"
#include "model/encoder/encoder.h"

namespace silt::bench {
namespace {

using namespace silt::model;

constexpr int kTexts = 400;

std::vector<std::string> patterns() {
  std::vector<std::string> out;
  for (int i = 0; i < kTexts; ++i) {
    out.emplace_back("Failed password for invalid user number ");
    out.back().append(std::to_string(100 + i)).append(" from <*> port <*> ssh2, try again");
  }
  return out;
}

template <class Function>
double texts_per_second(Function encode_all) {
  const std::clock_t start = std::clock();  // one thread's: other work on the machine does not count
  encode_all();
  return kTexts * static_cast<double>(CLOCKS_PER_SEC) / static_cast<double>(std::clock() - start);
}

Status run(const std::string& path) {
  const std::vector<std::string> lines = patterns();
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  for (const std::string& isa : cpu::usable_isas()) {
    SILT_ASSIGN(const auto encoder, Encoder::open(path, 1, isa));
    std::vector<float> vectors;
    std::vector<std::int32_t> tokens;
    encoder->tokenizer().encode(texts[0], Encoder::kTokensMax, tokens);
    SILT_TRY(encoder->encode(std::span(texts).first(8), vectors));  // pages in
    Status status;
    const double alone = texts_per_second([&] {
      for (const std::string_view text : texts) {
        if (const auto vector = encoder->encode(text); !vector.is_ok()) status = vector.status();
      }
    });
    const double together = texts_per_second([&] { status = encoder->encode(texts, vectors); });
    SILT_TRY(status);
    std::printf("%-10s %zu tokens: one by one %.0f texts/s (%.2f ms each), together %.0f texts/s\n",
                isa.c_str(), tokens.size(), alone, 1000 / alone, together);
    std::fflush(stdout);
  }
  return Status::ok();
}

}  // namespace
}  // namespace silt::bench

int main(int argc, char** argv) {
  const auto path = argc > 1 ? silt::Result<std::string>(std::string(argv[1]))
                             : silt::model::find_default_weights(silt::model::kEncoderWeights);
  const silt::Status status = path.is_ok() ? silt::bench::run(*path) : path.status();
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "encode_texts: %s\n", status.message().c_str());
  return 1;
}
