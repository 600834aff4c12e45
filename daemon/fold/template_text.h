// Masked words of a line: what templates are made of. Private to the miner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fold/scanner.h"

namespace silt::fold {

// One word of a masked line: "sshd[<num>]:", "<ip>", "level=info".
struct Chunk {
  std::uint32_t begin = 0;  // into MaskedLine::text
  std::uint32_t end = 0;
  std::uint64_t hash = 0;
  bool slot = false;      // nothing but a masked value and punctuation
  bool variable = false;  // a slot, or holds a word with digits: not for routing
  bool free = false;      // a JSON value beside a message: never decides
  bool value = false;     // looks or stands like a value: may become wild at once
  bool keyed = false;     // key=value where the value looks like one

  bool routes() const { return !variable && !free && !value && !keyed; }
};

struct MaskedLine {
  std::string text;  // the chunks one after another
  std::vector<Chunk> chunks;
  std::uint64_t shape = 0;  // lines of different shape never share a template
  std::uint64_t hash = 0;   // of shape and chunks

  std::string_view chunk_text(const Chunk& chunk) const {
    return std::string_view(text).substr(chunk.begin, chunk.end - chunk.begin);
  }
};

// Masks the message of the line, its first `max_bytes` into at most `max_chunks` chunks. Plain lines are
// cut at white space and behind '|'; their shape is the number of chunks. What repeats counts once: a run
// of equal slots is one ("<id> <id> <id>"), and a quantity in brackets behind another is left out
// ("1190 bytes (1.16 KB)"). Dates and quantities of several words are one slot. JSON lines give one chunk
// key=value per key and one per word of the message; their shape is the keys, the level and the
// length of the message.
void mask_line(const ScannedLine& line, std::uint32_t max_bytes, std::uint32_t max_chunks, MaskedLine& out);

std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0);

}  // namespace silt::fold
