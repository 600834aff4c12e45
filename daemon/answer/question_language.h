// The language of a question, of those that the reader was taught to plan. Pure functions.
#pragma once

#include <optional>
#include <string_view>

namespace silt::answer {

enum class Language { kEnglish, kGerman, kFrench, kSpanish };

// Told by its small words, elisions and letters; what is quoted and what looks like a value says nothing.
// English when unsure. Any bytes.
Language question_language(std::string_view question);

// "en", "de", "fr", "es".
std::optional<Language> language_of_code(std::string_view code);

}  // namespace silt::answer
