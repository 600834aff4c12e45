// Scalars of a JSON text by their path: {"http": {"code": 500}} has http.code. Private to the fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace silt::fold {

inline constexpr std::size_t kMaxJsonPathBytes = 256;
inline constexpr std::size_t kMaxJsonDepth = 32;

struct JsonField {
  std::string_view path;  // views the text or the reader's memory
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool quoted = false;
};

class JsonReader {
 public:
  // Fields of the object that begins at `at` and ends with the text, in its order, at most `most`. Elements
  // of arrays have the array's path; null and empty strings are left out, longer paths are cut. False: the
  // text is no such object; `out` is then undefined. Paths hold until the next call.
  bool read(std::string_view text, std::size_t at, std::size_t most, std::vector<JsonField>& out);

 private:
  bool value(std::size_t depth);
  bool object(std::size_t depth);
  bool array(std::size_t depth);
  bool string(std::size_t& begin, std::size_t& end);
  void add(std::size_t begin, std::size_t end, bool quoted);
  void skip_blanks();
  bool take(char c);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t most_ = 0;
  std::vector<JsonField>* out_ = nullptr;
  std::string path_;            // of the value that is read, from depth 2 on
  std::string_view key_;        // of the value that is read, at depth 1
  std::string paths_;           // of fields; never reallocated while one is read
};

}  // namespace silt::fold
