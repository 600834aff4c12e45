// Bytes as text. Names of files and lines of logs are any bytes, and the store keeps them so; texts of
// the API are UTF-8 that cannot act on a terminal. The doors convert: escape on the way out, unescape on
// the way in, so a name that was printed names the same source when it is typed again.
#pragma once

#include <string>
#include <string_view>

namespace silt {

// What is not valid UTF-8, control characters (C0, DEL, C1) and characters that hide or reorder text
// become \xhh, byte by byte; a backslash becomes two. All else stays. Never fails, loses nothing.
std::string escape_bytes(std::string_view bytes);
// The same of each line on its own: line ends are ours, all else may be from logs.
std::string escape_lines(std::string_view text);

// One step of it: appends the escaped form of the first character and removes it. `bytes` is not empty.
void escape_front(std::string_view& bytes, std::string& out);

// The bytes that were escaped. A backslash that begins neither \xhh nor \\ stands for itself, so a name
// that someone types as they know it is understood too.
std::string unescape_bytes(std::string_view text);

// C1 controls, and the marks that change direction or show nothing.
bool is_deceptive(char32_t point);

std::string base64(std::string_view bytes);

}  // namespace silt
