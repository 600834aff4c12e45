#include "daemon/fold/template_tree.h"

#include <algorithm>

namespace silt::fold {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ull) * (b | 1);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

Route TemplateTree::find(const MaskedLine& line, std::vector<Leaf>& leaves) const {
  leaves.clear();
  Route route{};
  const std::uint32_t root = child(0, line.shape);
  if (root != kNoNode) leaves.push_back({root, 0});
  std::uint32_t exact = root;  // the way that a new template takes
  std::size_t steps = 0;
  const auto advance = [&](std::uint64_t step, std::uint32_t bit) {
    std::vector<Leaf> next;
    for (const Leaf& leaf : leaves) {
      if (const std::uint32_t node = step == kStar ? kNoNode : child(leaf.node, step); node != kNoNode)
        next.push_back({node, leaf.starred});
      if (const std::uint32_t node = child(leaf.node, kStar); node != kNoNode)
        next.push_back({node, leaf.starred | bit});
    }
    leaves.swap(next);
  };
  const std::size_t reach = std::min(line.chunks.size(), kRouteReach);
  for (std::size_t i = 0; i < reach && steps < kRouteWords; ++i) {
    const Chunk& chunk = line.chunks[i];
    if (!chunk.routes()) continue;
    std::uint64_t step = std::max<std::uint64_t>(chunk.hash, kStar + 1);
    advance(step, 1u << i);
    const bool full = exact != kNoNode && nodes_[exact].children.size() >= children_max_;
    if (full && child(exact, step) == kNoNode) step = kStar;
    exact = exact == kNoNode ? kNoNode : child(exact, step);
    route[steps++] = step;
  }
  for (; steps < kRouteWords; ++steps) advance(kStar, 0);
  return route;
}

void TemplateTree::insert(const Template& added) {
  std::uint32_t node = grow(0, added.shape);
  for (const std::uint64_t step : added.route) node = grow(node, step);
  std::vector<PatternId>& ids = nodes_[node].patterns;
  ids.insert(std::upper_bound(ids.begin(), ids.end(), added.pattern.id), added.pattern.id);
}

void TemplateTree::remove(const Template& removed) {
  std::array<std::uint32_t, kRouteWords + 2> way{};
  std::array<std::uint64_t, kRouteWords + 1> steps{removed.shape};
  std::copy(removed.route.begin(), removed.route.end(), steps.begin() + 1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    way[i + 1] = child(way[i], steps[i]);
    if (way[i + 1] == kNoNode) return;
  }
  std::erase(nodes_[way.back()].patterns, removed.pattern.id);
  for (std::size_t i = steps.size(); i-- > 0;) {
    const Node& node = nodes_[way[i + 1]];
    if (!node.patterns.empty() || !node.children.empty()) return;
    nodes_[way[i]].children.erase(steps[i]);
    free_.push_back(way[i + 1]);
  }
}

std::uint32_t TemplateTree::child(std::uint32_t node, std::uint64_t step) const {
  const auto found = nodes_[node].children.find(step);
  return found == nodes_[node].children.end() ? kNoNode : found->second;
}

std::uint32_t TemplateTree::grow(std::uint32_t node, std::uint64_t step) {
  if (const std::uint32_t known = child(node, step); known != kNoNode) return known;
  std::uint32_t next = static_cast<std::uint32_t>(nodes_.size());
  if (free_.empty()) {
    nodes_.emplace_back();
  } else {
    next = free_.back();
    free_.pop_back();
  }
  nodes_[node].children.emplace(step, next);
  return next;
}

std::uint64_t Likeness::part(std::uint64_t hash, std::size_t place) {
  return mix(hash, place * 0xff51afd7ed558ccdull + 1);
}

std::uint64_t Likeness::signature(std::uint64_t sum, std::uint64_t part, std::uint64_t shape,
                                  std::size_t place) {
  return mix(sum - part, mix(shape, place));
}

std::uint32_t Likeness::count(std::uint64_t signature) const {
  const auto found = counts_.find(signature);
  return found == counts_.end() ? 0 : found->second;
}

void Likeness::change(const Template& of, int by) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < of.chunks.size(); ++i) {
    if (!of.chunks[i].free) sum += part(of.chunks[i].hash, i);
  }
  std::size_t places = 0;
  for (std::size_t i = 0; i < of.chunks.size() && places < kPlaces; ++i) {
    const TemplateChunk& chunk = of.chunks[i];
    if (chunk.slot || chunk.free || chunk.wild) continue;
    ++places;
    const std::uint64_t key = signature(sum, part(chunk.hash, i), of.shape, i);
    const auto found = counts_.try_emplace(key, 0).first;
    found->second += static_cast<std::uint32_t>(by);
    if (found->second == 0) counts_.erase(found);
  }
}

}  // namespace silt::fold
