#include "daemon/fold/miner.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_map>

#include "base/bytes.h"
#include "daemon/fold/template_text.h"

namespace silt::fold {
namespace {

constexpr std::uint8_t kRowVersion = 1;
constexpr std::uint64_t kStar = 0;  // the routing step of a word that is not worth a branch
constexpr std::uint32_t kNoNode = ~0u;
constexpr std::size_t kRouteWords = 3;
constexpr std::size_t kRouteReach = 8;  // chunks from the start that may be routing words
constexpr std::string_view kWild = "<*>";

struct TemplateChunk {
  std::string text;
  std::uint64_t hash = 0;
  std::uint32_t word = 0;  // index into State::word_uses_, once inserted
  bool slot = false;
  bool variable = false;
  bool free = false;
  bool wild = false;
};

using Route = std::array<std::uint64_t, kRouteWords>;

struct Template {
  Pattern pattern;
  std::uint64_t shape = 0;
  Route route{};
  std::vector<TemplateChunk> chunks;
  bool dirty = false;

  void rebuild_text() {
    pattern.text.clear();
    for (const TemplateChunk& chunk : chunks) {
      if (!pattern.text.empty()) pattern.text.push_back(' ');
      pattern.text += chunk.text;
    }
  }
};

void encode(const Template& source, ByteWriter& out) {
  const Pattern& pattern = source.pattern;
  out.u8(kRowVersion);
  out.varint(pattern.id);
  out.varint(pattern.count);
  out.varint(pattern.first_seq);
  out.varint(pattern.last_seq);
  out.i64(pattern.first_time_us);
  out.i64(pattern.last_time_us);
  out.varint(pattern.example_seq);
  out.u64(source.shape);
  for (const std::uint64_t step : source.route) out.u64(step);
  out.varint(source.chunks.size());
  for (const TemplateChunk& chunk : source.chunks) {
    out.u8(static_cast<std::uint8_t>(chunk.slot | chunk.variable << 1 | chunk.free << 2 | chunk.wild << 3));
    out.string(chunk.text);
  }
}

Status decode(std::string_view bytes, Template& out) {
  ByteReader in(bytes);
  if (in.u8() != kRowVersion) return data_loss("pattern row: unknown version");
  Pattern& pattern = out.pattern;
  pattern.id = static_cast<PatternId>(in.varint());
  pattern.count = in.varint();
  pattern.first_seq = in.varint();
  pattern.last_seq = in.varint();
  pattern.first_time_us = in.i64();
  pattern.last_time_us = in.i64();
  pattern.example_seq = in.varint();
  out.shape = in.u64();
  for (std::uint64_t& step : out.route) step = in.u64();
  const std::uint64_t chunks = in.varint();
  if (!in.ok() || chunks > in.remaining()) return data_loss("pattern row: damaged");
  out.chunks.clear();
  for (std::uint64_t i = 0; i < chunks; ++i) {
    const std::uint8_t flags = in.u8();
    TemplateChunk chunk;
    chunk.slot = flags & 1;
    chunk.variable = flags & 2;
    chunk.free = flags & 4;
    chunk.wild = flags & 8;
    chunk.text = in.string();
    chunk.hash = hash_text(chunk.text);
    out.chunks.push_back(std::move(chunk));
  }
  if (!in.ok() || in.remaining() != 0) return data_loss("pattern row: damaged");
  out.rebuild_text();
  return Status::ok();
}

}  // namespace

class Miner::State {
 public:
  explicit State(const MinerConfig& config) : config_(config), templates_(1), nodes_(1) {
    templates_[kOtherPattern].chunks = {{.text = std::string(kWild), .hash = hash_text(kWild), .wild = true}};
    templates_[kOtherPattern].rebuild_text();
  }

  Folded fold(const ScannedLine& line, std::uint64_t seq, std::int64_t time_us) {
    mask_line(line, config_.max_line_bytes, config_.max_chunks, masked_);
    Folded folded = place();
    Template& found = templates_[folded.pattern];
    Pattern& pattern = found.pattern;
    if (pattern.count == 0) {
      folded.is_new = folded.template_changed = true;
      pattern.first_seq = seq;
      pattern.first_time_us = time_us;
    }
    if (folded.template_changed) pattern.example_seq = seq;
    folded.count = ++pattern.count;
    pattern.last_seq = seq;
    pattern.last_time_us = time_us;
    mark_dirty(folded.pattern);
    return folded;
  }

  Folded fold_text(std::string_view line, std::uint64_t seq, std::int64_t time_us) {
    scan_line(line, scanned_);
    return fold(scanned_, seq, time_us);
  }

  std::size_t size() const { return templates_.size() - 1; }

  const Pattern* find(PatternId id) const {
    if (id >= templates_.size() || templates_[id].pattern.count == 0) return nullptr;
    return &templates_[id].pattern;
  }

  std::vector<MinerRow> take_dirty() {
    std::sort(dirty_.begin(), dirty_.end());
    std::vector<MinerRow> rows;
    rows.reserve(dirty_.size());
    for (const PatternId id : dirty_) {
      templates_[id].dirty = false;
      rows.push_back(row(id));
    }
    dirty_.clear();
    return rows;
  }

  MinerRow row(PatternId id) const {
    ByteWriter out;
    encode(templates_[id], out);
    return {id, out.take()};
  }

  Status load(const std::vector<MinerRow>& rows) {
    if (size() != 0 || templates_[0].pattern.count != 0)
      return failed_precondition("miner: load into a used miner");
    std::vector<Template> loaded(rows.size() + 1);
    std::size_t patterns = 0;
    for (const MinerRow& row : rows) {
      Template one;
      SILT_TRY(decode(row.bytes, one));
      if (one.pattern.id != row.id || row.id > rows.size() || one.pattern.count == 0 ||
          loaded[row.id].pattern.count != 0)
        return data_loss("pattern rows: id " + std::to_string(row.id) +
                         " is damaged, double or out of range");
      patterns += row.id != kOtherPattern;
      loaded[row.id] = std::move(one);
    }
    if (loaded[kOtherPattern].pattern.count != 0)
      templates_[kOtherPattern] = std::move(loaded[kOtherPattern]);
    for (PatternId id = 1; id <= patterns; ++id) {
      if (loaded[id].pattern.count == 0)
        return data_loss("pattern rows: id " + std::to_string(id) + " is missing");
      insert(std::move(loaded[id]));
    }
    return Status::ok();
  }

 private:
  struct Node {
    std::unordered_map<std::uint64_t, std::uint32_t> children;
    std::vector<PatternId> patterns;  // of a leaf
  };
  struct Remembered {
    std::uint64_t hash = 0;
    std::uint64_t version = 0;  // 0 = never
    PatternId pattern = kOtherPattern;
  };

  // The template for masked_. Equal lines get equal answers as long as no template changes, so the
  // answers since the last change are remembered: that saves time and decides nothing.
  Folded place() {
    Remembered& remembered = memory_[masked_.hash % memory_.size()];
    if (remembered.version == version_ && remembered.hash == masked_.hash) return {remembered.pattern};
    const std::uint64_t before = version_;
    Route route{};
    Folded folded{best_match(walk(route))};
    if (folded.pattern != kOtherPattern) {
      folded.template_changed = generalise(templates_[folded.pattern]);
    } else if (size() < config_.max_patterns) {
      folded.pattern = create(route);
    }
    if (version_ == before) remembered = {masked_.hash, version_, folded.pattern};
    return folded;
  }

  // Follows the first words that look constant; a full node sends unknown words to its star branch.
  // Fills the steps taken and returns the leaf, or kNoNode where the route leaves the tree.
  std::uint32_t walk(Route& route) {
    starred_ = 0;
    std::uint32_t node = child(0, masked_.shape);
    std::size_t steps = 0;
    const std::size_t reach = std::min(masked_.chunks.size(), kRouteReach);
    for (std::size_t i = 0; i < reach && steps < kRouteWords; ++i) {
      const Chunk& chunk = masked_.chunks[i];
      if (chunk.variable || chunk.free) continue;
      std::uint64_t step = std::max<std::uint64_t>(chunk.hash, kStar + 1);
      std::uint32_t next = child(node, step);
      if (next == kNoNode && node != kNoNode && nodes_[node].children.size() >= config_.max_children) {
        step = kStar;
        starred_ |= 1u << i;
        next = child(node, step);
      }
      route[steps++] = step;
      node = next;
    }
    for (; steps < kRouteWords; ++steps) node = child(node, kStar);
    return node;
  }

  std::uint32_t child(std::uint32_t node, std::uint64_t step) const {
    if (node == kNoNode) return kNoNode;
    const auto found = nodes_[node].children.find(step);
    return found == nodes_[node].children.end() ? kNoNode : found->second;
  }

  PatternId best_match(std::uint32_t leaf) const {
    PatternId best = kOtherPattern;
    Match best_match;
    if (leaf == kNoNode) return best;
    for (const PatternId id : nodes_[leaf].patterns) {
      if (templates_[id].chunks.size() != masked_.chunks.size()) continue;  // a collision of hashes
      const Match match = compare(templates_[id]);
      // A template must not dissolve: joining may not leave more wild places than words.
      if (match.share < config_.similarity || (match.differ > 0 && match.wild + match.differ > match.words))
        continue;
      if (best != kOtherPattern && (match.share < best_match.share ||
                                    (match.share == best_match.share && match.wild >= best_match.wild)))
        continue;
      best = id;
      best_match = match;
    }
    return best;
  }

  struct Match {
    double share = 0;          // weight of equal words over weight of all words that are not wild
    std::uint32_t differ = 0;  // places that joining would make wild
    std::uint32_t wild = 0;
    std::uint32_t words = 0;  // equal places that are no slots
  };

  Match compare(const Template& candidate) const {
    Match match;
    double same = 0;
    double all = 0;
    for (std::size_t i = 0; i < masked_.chunks.size(); ++i) {
      const TemplateChunk& chunk = candidate.chunks[i];
      if (chunk.free) continue;
      if (chunk.wild) {
        ++match.wild;
        continue;
      }
      const bool equal = chunk.hash == masked_.chunks[i].hash;
      // In a star branch the word that led there is known to vary.
      const bool starred = i < kRouteReach && (starred_ >> i & 1) != 0;
      const double weight = starred ? 0 : word_weight(chunk);
      all += weight;
      if (equal) same += weight;
      match.differ += !equal;
      match.words += equal && !chunk.slot;
    }
    match.share = all == 0 ? 1.0 : same / all;
    return match;
  }

  // How many templates share a word decides what its agreement is worth; slots and words with digits
  // are worth less.
  double word_weight(const TemplateChunk& chunk) const {
    if (chunk.slot) return 0.25;
    const double weight = 1.0 / std::bit_width(word_uses_[chunk.word]);
    return chunk.variable ? weight / 2 : weight;
  }

  bool generalise(Template& target) {
    bool changed = false;
    for (std::size_t i = 0; i < target.chunks.size(); ++i) {
      TemplateChunk& chunk = target.chunks[i];
      if (chunk.wild || chunk.hash == masked_.chunks[i].hash) continue;
      --word_uses_[chunk.word];
      chunk.wild = true;
      chunk.text = wild_text(chunk);
      chunk.hash = hash_text(chunk.text);
      changed = true;
    }
    if (changed) {
      target.rebuild_text();
      ++version_;
    }
    return changed;
  }

  // JSON values keep their key.
  static std::string wild_text(const TemplateChunk& chunk) {
    const std::size_t equals = chunk.text.find('=');
    if (!chunk.free || equals == std::string::npos) return std::string(kWild);
    return chunk.text.substr(0, equals + 1).append(kWild);
  }

  PatternId create(const Route& route) {
    Template fresh;
    fresh.pattern.id = static_cast<PatternId>(templates_.size());
    fresh.shape = masked_.shape;
    fresh.route = route;
    for (const Chunk& chunk : masked_.chunks) {
      fresh.chunks.push_back({.text = std::string(masked_.chunk_text(chunk)),
                              .hash = chunk.hash,
                              .slot = chunk.slot,
                              .variable = chunk.variable,
                              .free = chunk.free});
    }
    fresh.rebuild_text();
    const PatternId id = fresh.pattern.id;
    insert(std::move(fresh));
    return id;
  }

  void insert(Template fresh) {
    std::uint32_t node = grow(0, fresh.shape);
    for (const std::uint64_t step : fresh.route) node = grow(node, step);
    nodes_[node].patterns.push_back(fresh.pattern.id);
    for (TemplateChunk& chunk : fresh.chunks) use_word(chunk);
    templates_.push_back(std::move(fresh));
    ++version_;
  }

  std::uint32_t grow(std::uint32_t node, std::uint64_t step) {
    const auto [found, added] =
        nodes_[node].children.try_emplace(step, static_cast<std::uint32_t>(nodes_.size()));
    const std::uint32_t next = found->second;
    if (added) nodes_.emplace_back();
    return next;
  }

  void use_word(TemplateChunk& chunk) {
    if (chunk.wild) return;
    const auto [found, added] = words_.try_emplace(chunk.hash, static_cast<std::uint32_t>(word_uses_.size()));
    if (added) word_uses_.push_back(0);
    chunk.word = found->second;
    ++word_uses_[chunk.word];
  }

  void mark_dirty(PatternId id) {
    if (templates_[id].dirty) return;
    templates_[id].dirty = true;
    dirty_.push_back(id);
  }

  MinerConfig config_;
  std::vector<Template> templates_;  // by id; [0] is "other"
  std::vector<Node> nodes_;          // [0] is the root, by shape; below it by routing words
  std::unordered_map<std::uint64_t, std::uint32_t> words_;  // hash -> index into word_uses_
  std::vector<std::uint32_t> word_uses_;                    // places in templates
  std::vector<PatternId> dirty_;
  std::uint64_t version_ = 1;  // counts changes of templates
  std::vector<Remembered> memory_ = std::vector<Remembered>(4096);
  ScannedLine scanned_;
  MaskedLine masked_;
  std::uint32_t starred_ = 0;  // chunks of masked_ that were routed as stars, a bit each
};

Miner::Miner(const MinerConfig& config) : state_(std::make_unique<State>(config)) {}
Miner::~Miner() = default;
Miner::Miner(Miner&&) noexcept = default;
Miner& Miner::operator=(Miner&&) noexcept = default;

Folded Miner::fold(const ScannedLine& line, std::uint64_t seq, std::int64_t time_us) {
  return state_->fold(line, seq, time_us);
}
Folded Miner::fold(std::string_view line, std::uint64_t seq, std::int64_t time_us) {
  return state_->fold_text(line, seq, time_us);
}
std::size_t Miner::size() const {
  return state_->size();
}
const Pattern* Miner::find(PatternId id) const {
  return state_->find(id);
}
std::vector<MinerRow> Miner::take_dirty() {
  return state_->take_dirty();
}
Status Miner::load(const std::vector<MinerRow>& rows) {
  return state_->load(rows);
}

std::string Miner::serialize() const {
  ByteWriter out;
  out.u8(kRowVersion);
  const bool other = state_->find(kOtherPattern) != nullptr;
  out.varint(state_->size() + (other ? 1 : 0));
  for (PatternId id = other ? 0 : 1; id <= state_->size(); ++id) out.string(state_->row(id).bytes);
  return out.take();
}

Result<Miner> Miner::deserialize(std::string_view bytes, const MinerConfig& config) {
  ByteReader in(bytes);
  if (in.u8() != kRowVersion) return data_loss("miner state: unknown version");
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > in.remaining()) return data_loss("miner state: damaged");
  std::vector<MinerRow> rows;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view row = in.string();
    SILT_ASSIGN(const Pattern pattern, decode_row(row));
    rows.push_back({pattern.id, std::string(row)});
  }
  if (!in.ok() || in.remaining() != 0) return data_loss("miner state: damaged");
  Miner miner(config);
  SILT_TRY(miner.load(rows));
  return miner;
}

Result<Pattern> Miner::decode_row(std::string_view bytes) {
  Template one;
  SILT_TRY(decode(bytes, one));
  return std::move(one.pattern);
}

}  // namespace silt::fold
