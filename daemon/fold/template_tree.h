// Where templates are looked for: a tree of routes, and signatures of templates with a place left out.
// Private to the miner.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "daemon/fold/pattern_template.h"

namespace silt::fold {

// By shape and the first words that look constant. A full node sends further words to its star branch;
// a template whose routing word became wild stands there as well.
class TemplateTree {
 public:
  // A leaf where a line's template may be, and the chunks (a bit each) that led there as stars.
  struct Leaf {
    std::uint32_t node = 0;
    std::uint32_t starred = 0;
  };

  explicit TemplateTree(std::uint32_t children_max) : children_max_(children_max), nodes_(1) {}

  // Fills `leaves` with all leaves for the line, and returns the route for a new template of it.
  Route find(const MaskedLine& line, std::vector<Leaf>& leaves) const;
  const std::vector<PatternId>& patterns(const Leaf& leaf) const { return nodes_[leaf.node].patterns; }

  void insert(const Template& added);
  void remove(const Template& removed);

 private:
  struct Node {
    std::unordered_map<std::uint64_t, std::uint32_t> children;
    std::vector<PatternId> patterns;  // of a leaf, by ascending id
  };
  static constexpr std::uint32_t kNoNode = ~0u;

  std::uint32_t child(std::uint32_t node, std::uint64_t step) const;
  std::uint32_t grow(std::uint32_t node, std::uint64_t step);

  std::uint32_t children_max_;
  std::vector<Node> nodes_;  // [0] is the root, by shape
  std::vector<std::uint32_t>
      free_;  // nodes that lost their last template: the tree is what its templates make it
};

// How many templates are alike but for one place. Bounded: only the first kPlaces plain places count.
class Likeness {
 public:
  static constexpr std::size_t kPlaces = 16;

  // The sum over a template's or line's chunks that signatures are made of; chunk by chunk.
  static std::uint64_t part(std::uint64_t hash, std::size_t place);
  static std::uint64_t signature(std::uint64_t sum, std::uint64_t part, std::uint64_t shape,
                                 std::size_t place);

  void add(const Template& added) { change(added, 1); }
  void remove(const Template& removed) { change(removed, -1); }
  std::uint32_t count(std::uint64_t signature) const;

 private:
  void change(const Template& of, int by);

  std::unordered_map<std::uint64_t, std::uint32_t> counts_;
};

}  // namespace silt::fold
