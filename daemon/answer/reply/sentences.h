// Sentences: what may be kept of a text that somebody else worded about an answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace silt::answer::reply {

// The sentences of `told`, in order, whose numbers (in digits or words) and names with digits all stand in the answer
// or in the records that it cites; `evidence[0]` is [1]. A citation must exist, and its record must hold the
// sentence's numbers that the answer does not. A sentence with a web address is left out: hostile log text may have
// put it there. At most kSentencesMax, on one line, without control characters.
inline constexpr std::size_t kSentencesMax = 4;
std::string keep_supported(std::string_view told, std::string_view answer, const std::vector<std::string>& evidence);

}  // namespace silt::answer::reply
