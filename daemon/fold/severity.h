// Severities: how bad a record says it is, in the words that programs use. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace silt::fold {

// The one name that a severity has wherever it is counted, compared or shown: "ERROR" for err, E, error, Error ...;
// one of TRACE, DEBUG, INFO, NOTICE, WARNING, ERROR, SEVERE, CRITICAL, FATAL, ALERT, EMERGENCY, PANIC, FAILURE, LOG.
// Empty for other words.
std::string_view severity_of(std::string_view word);

// How bad that is. kNone: of LOG and of what is no name of a severity.
enum class Harm : std::uint8_t { kNone, kCalm, kWarns, kFails, kStops };
Harm harm_of(std::string_view severity);

// Whether a word of a head is one: in capitals, or, of those that are words of prose, too, only where it is
// `marked` by brackets, a colon or its column.
bool is_severity(std::string_view word, bool marked);

// Whether a field of that name holds a severity: "level", "log.level", "severity", "lvl".
bool names_severity(std::string_view field);

}  // namespace silt::fold
