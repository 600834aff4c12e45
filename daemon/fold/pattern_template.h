// Templates: patterns as the miner keeps and stores them. Private to the miner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/fold/miner.h"
#include "daemon/fold/template_text.h"

namespace silt::fold {

inline constexpr std::uint64_t kStar = 0;  // the routing step of a word that is not worth a branch
inline constexpr std::size_t kRouteWords = 3;
inline constexpr std::size_t kRouteReach = 8;  // chunks from the start that may be routing words
inline constexpr std::string_view kWild = "<*>";

struct TemplateChunk {
  std::string text;
  std::uint64_t hash = 0;
  std::uint32_t word = 0;  // index into the miner's uses of words, once inserted
  bool slot = false;
  bool variable = false;
  bool free = false;
  bool value = false;
  bool keyed = false;
  bool wild = false;

  bool routes() const { return !variable && !free && !value && !keyed; }
  // Whether a word fits to a wild place: any, or any value of the place's key.
  bool accepts(std::string_view other) const { return text == kWild || free || other.starts_with(key()); }
  // "user=" of "user=<*>", or nothing.
  std::string_view key() const { return std::string_view(text).substr(0, text.find('=') + 1); }
};

using Route = std::array<std::uint64_t, kRouteWords>;

struct Template {
  Pattern pattern;
  std::uint64_t shape = 0;
  Route route{};
  std::vector<TemplateChunk> chunks;  // none once the pattern was merged into another
  bool dirty = false;

  void rebuild_text();
};

std::string encode_template(const Template& source);
Result<Template> decode_template(std::string_view bytes);

// Whether two words at one place may be forms of one value: both look like values, or are values of one
// key that do.
bool may_vary(const TemplateChunk& chunk, const Chunk& other, std::string_view other_text);

// The text of a place that became wild: `<*>`, and behind a key `key=<*>`.
std::string wild_text(const TemplateChunk& chunk, std::string_view other);

}  // namespace silt::fold
