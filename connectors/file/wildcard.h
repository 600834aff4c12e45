// Wildcard: one compiled component of a glob. * any run of bytes, ? one, [...] one of a set, \ takes
// the next byte as it is; a leading dot is matched only by a dot. Bytes, no locale. Immutable.
#pragma once

#include <bitset>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace silt::connectors {

class Wildcard {
 public:
  explicit Wildcard(std::string_view pattern);

  // In time proportional to the product of both lengths at most. With `captures`, adds what each
  // wildcard matched, in the order of the pattern.
  bool matches(std::string_view name, std::vector<std::string_view>* captures = nullptr) const;

  std::size_t wildcards() const { return wildcards_; }
  bool is_literal() const { return wildcards_ == 0; }
  // Without the backslashes of a literal component.
  std::string literal() const;

 private:
  using Set = std::bitset<256>;
  struct Token {
    enum Kind { kByte, kAny, kSet, kRun } kind;
    char byte = 0;
    std::shared_ptr<const Set> set;

    bool takes(char c) const {
      return kind == kAny || (kind == kByte ? c == byte : (*set)[static_cast<unsigned char>(c)]);
    }
  };

  std::vector<Token> tokens_;
  std::size_t wildcards_ = 0;
};

}  // namespace silt::connectors
