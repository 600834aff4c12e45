// Sizes that other compressors reach on the same bytes, for comparison. Needs no shell.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace silt::model {

struct CompressedSize {
  std::string program;  // "xz -9e"
  std::size_t bytes = 0;
};

// What `arguments` (a program found on PATH, then its options) writes to standard output for `input`,
// counted. Nothing when the program is not installed or fails.
std::optional<std::size_t> compressed_size(const std::vector<std::string>& arguments, std::string_view input);

// xz -9e and zstd -19, those that are installed.
std::vector<CompressedSize> compressed_sizes(std::string_view input);

}  // namespace silt::model
