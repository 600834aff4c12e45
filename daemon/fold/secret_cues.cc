#include "daemon/fold/secret_cues.h"

#include <hs/hs.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace silt::fold {
namespace {

[[noreturn]] void cannot_run(const char* step, const char* why) {
  std::fprintf(stderr, "redaction: %s: %s; Hyperscan needs an x86-64 processor with SSSE3 and memory\n", step,
               why);
  std::abort();
}

hs_database_t* compile() {
  std::vector<const char*> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::vector<std::size_t> sizes;
  for (const CueWord& word : cue_words()) {
    texts.push_back(word.text.data());
    flags.push_back(word.any_case ? HS_FLAG_CASELESS : 0);
    ids.push_back(static_cast<unsigned>(ids.size()));
    sizes.push_back(word.text.size());
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                           static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr, &database,
                           &error) != HS_SUCCESS)
    cannot_run("compiling the cues", error == nullptr ? "no memory" : error->message);
  return database;
}

// Compiled once; lives as long as the process.
const hs_database_t* database() {
  static const hs_database_t* const compiled = compile();
  return compiled;
}

int keep(unsigned id, unsigned long long, unsigned long long to, unsigned, void* hits) {
  static_cast<std::vector<CueHit>*>(hits)->push_back({static_cast<std::uint32_t>(to), &cue_words()[id]});
  return 0;
}

}  // namespace

struct CueFinder::Scratch {
  hs_scratch_t* memory = nullptr;
};

CueFinder::CueFinder() : scratch_(new Scratch) {
  if (hs_alloc_scratch(database(), &scratch_->memory) != HS_SUCCESS) cannot_run("its scratch", "no memory");
}

CueFinder::~CueFinder() {
  hs_free_scratch(scratch_->memory);
  delete scratch_;
}

CueFinder& CueFinder::for_this_thread() {
  thread_local CueFinder finder;
  return finder;
}

std::span<const CueHit> CueFinder::find(std::string_view line) {
  hits_.clear();
  const hs_error_t done =
      hs_scan(database(), line.data(), static_cast<unsigned>(line.size()), 0, scratch_->memory, keep, &hits_);
  if (done != HS_SUCCESS) cannot_run("scanning", "internal error");
  // Hyperscan reports by ascending end; of equal ends the longer cue is to be first.
  const auto earlier = [](const CueHit& a, const CueHit& b) {
    return a.end != b.end ? a.end < b.end : a.begin() < b.begin();
  };
  if (!std::is_sorted(hits_.begin(), hits_.end(), earlier)) std::sort(hits_.begin(), hits_.end(), earlier);
  return hits_;
}

}  // namespace silt::fold
