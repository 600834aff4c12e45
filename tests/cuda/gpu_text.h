// Streams for the checks on a GPU: invented logs of several services, and files.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"

namespace silt::model {

// Of service `kind` (0 to 4); the same seed gives the same text.
std::string invented_log(int kind, std::size_t bytes, unsigned seed);
// Five streams of so many tokens each: from these files, and from invented logs where there are fewer.
std::vector<std::vector<Token>> five_streams(const Tokenizer& tokenizer, const std::vector<std::string>& files,
                                             std::size_t tokens);
// `count` short streams that differ.
std::vector<std::vector<Token>> many_streams(const Tokenizer& tokenizer, int count, std::size_t tokens);

}  // namespace silt::model
