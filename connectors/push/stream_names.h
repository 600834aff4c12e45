// StreamNames: which stream (and so which source) pushed records belong to, for names that peers choose: a
// host, a service. What is no plain name is none, and their number is bounded, for every one becomes a source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace silt::connectors {

class StreamNames {
 public:
  // `input`: the name that those of streams begin with; each peer brings at most `own_max` of `all_max`.
  StreamNames(std::string input, std::uint32_t all_max, std::uint32_t own_max)
      : input_(std::move(input)), all_max_(all_max), own_max_(own_max) {}

  // The stream of `name`, "INPUT:name". Empty, the input's own stream: there is no such name, or too many.
  // `brought`: how many the peer brought so far; counted up here. The view is valid until this ends.
  std::string_view stream(std::string_view name, std::uint32_t& brought);
  // How often a name came that found no room.
  std::uint64_t refused() const { return refused_; }

  // Letters, digits and ._-:@ only, at most 255 of them.
  static bool is_plain(std::string_view name);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  const std::string input_;
  const std::uint32_t all_max_, own_max_;
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> streams_;
  std::uint64_t refused_ = 0;
};

}  // namespace silt::connectors
