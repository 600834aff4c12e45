// What a surface plan of the reader is held to beyond its grammar: that it looks where the question says, and
// at no time that the question does not name. Pure functions; any bytes are safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace silt::answer {

// `surface`, or with an id clause for the one address or name with a digit that the question has and it
// lacks: without it the plan would answer a wider question. Nothing where what it lacks has no certain place:
// something quoted, several names, one beside an id or to be excluded, a source, a number, or a name of a
// plan that has two ends (between) or none (explain, digest).
std::optional<std::string> with_all_names(std::string_view question, std::string_view surface,
                                          std::span<const std::string> sources);

// Whether it reaches back by a number ("since:-3w") that the question does not have: words were taken for a
// time. The last hour, day or week may be meant without one, but not an hour, day or week ago.
bool reaches_back_by_itself(std::string_view question, std::string_view surface);

}  // namespace silt::answer
