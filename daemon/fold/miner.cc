#include "daemon/fold/miner.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "base/bytes.h"
#include "daemon/fold/pattern_template.h"
#include "daemon/fold/template_text.h"
#include "daemon/fold/template_tree.h"

namespace silt::fold {
namespace {

constexpr std::uint8_t kStateVersion = 2;
constexpr std::size_t kCrowd = 24;  // templates in a leaf from which on plain words may become wild at once
constexpr std::size_t kRememberedMax = 4096;  // lines
constexpr std::size_t kLeafMost = 512;  // no more of them: random text is to cost no more than time and space

}  // namespace

class Miner::State {
 public:
  explicit State(const MinerConfig& config) : config_(config), templates_(1), tree_(config.max_children) {
    templates_[kOtherPattern].chunks = {{.text = std::string(kWild), .hash = hash_text(kWild), .wild = true}};
    templates_[kOtherPattern].rebuild_text();
  }

  Folded fold(const ScannedLine& line, std::uint64_t seq, std::int64_t time_us) {
    mask_line(line, config_.max_line_bytes, config_.max_chunks, masked_);
    Folded folded = place();
    Pattern& pattern = templates_[folded.pattern].pattern;
    if (pattern.count == 0) {
      folded.is_new = folded.template_changed = true;
      pattern.first_seq = seq;
      pattern.first_time_us = time_us;
      pattern.program = line.text.substr(line.program.begin, line.program.end - line.program.begin);
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

  // A pattern is merged into an older one only, so this ends.
  PatternId resolve(PatternId id) const {
    while (id < templates_.size() && templates_[id].pattern.merged_into != 0)
      id = templates_[id].pattern.merged_into;
    return id;
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

  MinerRow row(PatternId id) const { return {id, encode_template(templates_[id])}; }

  Status load(const std::vector<MinerRow>& rows) {
    if (size() != 0 || templates_[0].pattern.count != 0)
      return failed_precondition("miner: load into a used miner");
    std::vector<Template> loaded(rows.size() + 1);
    std::size_t patterns = 0;
    for (const MinerRow& row : rows) {
      SILT_ASSIGN(Template one, decode_template(row.bytes));
      if (one.pattern.id != row.id || row.id > rows.size() || one.pattern.count == 0 ||
          (one.pattern.merged_into != 0 && one.pattern.merged_into >= row.id) ||
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
      append(std::move(loaded[id]));
    }
    return Status::ok();
  }

 private:
  struct Remembered {
    std::uint64_t hash = 0;
    std::uint64_t version = 0;  // 0 = never
    PatternId pattern = kOtherPattern;
  };

  struct Match {
    double share = 0;          // weight of equal words over weight of all words that are not wild
    std::uint32_t differ = 0;  // places that joining would make wild
    std::uint32_t plain = 0;   // of these, where plain words differ
    std::uint32_t wild = 0;    // places that are wild or would be, and keep no key
    std::uint32_t words = 0;   // equal places that are no slots
  };

  // The template for masked_. Equal lines get equal answers as long as no template changes, so the
  // answers since the last change are remembered: that saves time and decides nothing.
  Folded place() {
    const Remembered& remembered = memory_[masked_.hash % memory_.size()];
    if (remembered.version == version_ && remembered.hash == masked_.hash) return {remembered.pattern};
    const std::uint64_t before = version_;
    const Route route = tree_.find(masked_, leaves_);
    Folded folded{best_match()};
    if (folded.pattern != kOtherPattern) {
      folded.template_changed = generalise(folded.pattern);
    } else if (const PatternId joined = join_alike(); joined != kOtherPattern) {
      folded = {.pattern = joined, .template_changed = true};
    } else if (size() < config_.max_patterns && rivals() < kLeafMost) {
      folded.pattern = create(route);
    }
    if (folded.template_changed) {
      while (const PatternId merged = settle(folded.pattern)) folded.pattern = merged;
    }
    if (version_ == before) remember(folded.pattern);
    return folded;
  }

  // Most sources have few kinds of lines: there is room for more only when two meet.
  void remember(PatternId pattern) {
    const bool met = memory_[masked_.hash % memory_.size()].version == version_;
    if (met && memory_.size() < kRememberedMax) memory_.assign(2 * memory_.size(), {});
    memory_[masked_.hash % memory_.size()] = {masked_.hash, version_, pattern};
  }

  PatternId best_match() const {
    PatternId best = kOtherPattern;
    Match best_match;
    const bool crowded = rivals() > kCrowd;
    for (const TemplateTree::Leaf& leaf : leaves_) {
      for (const PatternId id : tree_.patterns(leaf)) {
        if (templates_[id].chunks.size() != masked_.chunks.size()) continue;  // a collision of hashes
        const Match match = compare(templates_[id], leaf.starred);
        if (!may_join(match, crowded)) continue;
        const bool better = match.share > best_match.share ||
                            (match.share == best_match.share && match.wild < best_match.wild);
        if (best != kOtherPattern && !better) continue;
        best = id;
        best_match = match;
      }
    }
    return best;
  }

  // Templates that a line like masked_ is compared with.
  std::size_t rivals() const {
    std::size_t count = 0;
    for (const TemplateTree::Leaf& leaf : leaves_) count += tree_.patterns(leaf).size();
    return count;
  }

  bool may_join(const Match& match, bool crowded) const {
    if (match.differ == 0) return true;
    if (match.plain == 0 && crowded) return true;  // lines of nothing but values
    if (match.plain > 0 && !crowded) return false;
    // A template must not dissolve: joining may not leave more wild places than words.
    return match.share >= config_.similarity && match.wild <= match.words;
  }

  Match compare(const Template& candidate, std::uint32_t starred) const {
    Match match;
    double same = 0;
    double all = 0;
    for (std::size_t i = 0; i < masked_.chunks.size(); ++i) {
      const TemplateChunk& chunk = candidate.chunks[i];
      if (chunk.free) continue;
      if (chunk.wild && chunk.accepts(masked_.chunk_text(masked_.chunks[i]))) {
        match.wild += !chunk.keyed;
        continue;
      }
      const Chunk& other = masked_.chunks[i];
      const bool equal = chunk.hash == other.hash;
      // In a star branch the word that led there is known to vary, and values are no sign of strangers.
      const bool star = i < kRouteReach && chunk.routes() && (starred >> i & 1) != 0;
      const bool varies = !equal && (star || may_vary(chunk, other, masked_.chunk_text(other)));
      const double weight = varies ? 0 : word_weight(chunk);
      all += weight;
      if (equal) same += weight;
      match.differ += !equal;
      match.wild += !equal && !chunk.keyed;
      match.plain += !equal && !varies;
      match.words += equal && !chunk.slot;
    }
    match.share = all == 0 ? 1.0 : same / all;
    return match;
  }

  // How many templates share a word decides what its agreement is worth; values are worth little.
  double word_weight(const TemplateChunk& chunk) const {
    return chunk.slot || chunk.value || chunk.keyed ? 0.25 : 1.0 / std::bit_width(word_uses_[chunk.word]);
  }

  // Makes wild what differs between the template and masked_.
  bool generalise(PatternId id) {
    Template& target = templates_[id];
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < target.chunks.size(); ++i) {
      const TemplateChunk& chunk = target.chunks[i];
      const Chunk& other = masked_.chunks[i];
      const bool fits = chunk.wild ? chunk.accepts(masked_.chunk_text(other)) : chunk.hash == other.hash;
      if (!fits) places.push_back(i);
    }
    if (places.empty()) return false;
    leave(target);
    for (const std::size_t place : places)
      make_wild(target, place, masked_.chunk_text(masked_.chunks[place]));
    target.rebuild_text();
    enter(target);
    ++version_;
    return true;
  }

  void make_wild(Template& target, std::size_t place, std::string_view other) {
    TemplateChunk& chunk = target.chunks[place];
    std::size_t step = 0;
    for (std::size_t i = 0; i < place && i < kRouteReach; ++i) step += target.chunks[i].routes();
    if (chunk.routes() && place < kRouteReach && step < kRouteWords) target.route[step] = kStar;
    chunk.text = wild_text(chunk, other);
    chunk.hash = hash_text(chunk.text);
    chunk.wild = true;
  }

  // When masked_ is like words_per_place - 1 templates but for the same plain word: these become one,
  // which takes the line. kOtherPattern when there are not as many.
  PatternId join_alike() {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < masked_.chunks.size(); ++i) {
      if (!masked_.chunks[i].free) sum += Likeness::part(masked_.chunks[i].hash, i);
    }
    std::size_t places = 0;
    for (std::size_t i = 0; i < masked_.chunks.size() && places < Likeness::kPlaces; ++i) {
      const Chunk& chunk = masked_.chunks[i];
      if (chunk.slot || chunk.free) continue;
      ++places;
      const std::uint64_t part = Likeness::part(chunk.hash, i);
      if (likeness_.count(Likeness::signature(sum, part, masked_.shape, i)) + 1 < config_.words_per_place)
        continue;
      const auto hash_at = [&](std::size_t place) { return masked_.chunks[place].hash; };
      const std::vector<PatternId> group = alike(masked_.shape, masked_.chunks.size(), i, hash_at);
      if (group.size() + 1 < config_.words_per_place || !has_words(templates_[group.front()], i)) continue;
      merge(group, i, masked_.chunk_text(chunk));
      return group.front();
    }
    return kOtherPattern;
  }

  // Whether enough plain words stay the same to say that templates which differ at `place` are one.
  bool has_words(const Template& one, std::size_t place) const {
    std::size_t words = 0;
    std::size_t wild = 1;
    for (std::size_t i = 0; i < one.chunks.size(); ++i) {
      const TemplateChunk& chunk = one.chunks[i];
      wild += chunk.wild;
      words += i != place && !chunk.wild && !chunk.slot && !chunk.free && !chunk.value;
    }
    return words >= config_.words_to_join && words > wild;
  }

  // The templates with these chunks but for one place, which is a word in them; by ascending id.
  template <class HashAt>
  std::vector<PatternId> alike(std::uint64_t shape, std::size_t chunks, std::size_t place,
                               HashAt hash_at) const {
    std::vector<PatternId> group;
    for (PatternId id = 1; id < templates_.size(); ++id) {
      const Template& one = templates_[id];
      if (one.shape != shape || one.chunks.size() != chunks || one.chunks[place].wild ||
          one.chunks[place].slot || one.chunks[place].free)
        continue;
      bool same = true;
      for (std::size_t i = 0; same && i < chunks; ++i) {
        same = i == place || one.chunks[i].free || one.chunks[i].hash == hash_at(i);
      }
      if (same) group.push_back(id);
    }
    return group;
  }

  // The first of the group goes on with a wild place; the others are merged into it.
  void merge(const std::vector<PatternId>& group, std::size_t place, std::string_view other) {
    Template& first = templates_[group.front()];
    leave(first);
    make_wild(first, place, other);
    first.rebuild_text();
    enter(first);
    for (std::size_t i = 1; i < group.size(); ++i) forward(group[i], group.front());
    mark_dirty(group.front());
    ++version_;
  }

  void forward(PatternId id, PatternId into) {
    Template& merged = templates_[id];
    leave(merged);
    merged.pattern.merged_into = into;
    merged.chunks.clear();
    merged.chunks.shrink_to_fit();
    mark_dirty(id);
  }

  // After a template changed: it may be equal to another by now, or one of many alike. Merges once, and
  // returns what the template became part of; kOtherPattern when all is settled.
  PatternId settle(PatternId id) {
    const Template& changed = templates_[id];
    const auto hash_at = [&](std::size_t place) { return changed.chunks[place].hash; };
    for (PatternId other = 1; other < templates_.size(); ++other) {
      if (other == id || !are_one(templates_[other], changed)) continue;
      unite(std::min(other, id), std::max(other, id));
      return std::min(other, id);
    }
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < changed.chunks.size(); ++i) {
      if (!changed.chunks[i].free) sum += Likeness::part(changed.chunks[i].hash, i);
    }
    for (std::size_t i = 0; i < changed.chunks.size(); ++i) {
      const TemplateChunk& chunk = changed.chunks[i];
      if (chunk.slot || chunk.free || chunk.wild) continue;
      const std::uint64_t part = Likeness::part(chunk.hash, i);
      if (likeness_.count(Likeness::signature(sum, part, changed.shape, i)) < config_.words_per_place)
        continue;
      const std::vector<PatternId> group = alike(changed.shape, changed.chunks.size(), i, hash_at);
      if (group.size() < config_.words_per_place || !has_words(templates_[group.front()], i)) continue;
      const std::string other = templates_[group.back() == id ? group.front() : group.back()].chunks[i].text;
      merge(group, i, other);
      return group.front();
    }
    return kOtherPattern;
  }

  // Whether two templates differ only where one of them has learned already that the place is variable,
  // and keep enough words.
  bool are_one(const Template& a, const Template& b) const {
    if (a.shape != b.shape || a.chunks.size() != b.chunks.size() || a.chunks.empty()) return false;
    std::size_t words = 0;
    std::size_t wild = 0;
    bool equal = true;
    for (std::size_t i = 0; i < a.chunks.size(); ++i) {
      const TemplateChunk& x = a.chunks[i];
      const TemplateChunk& y = b.chunks[i];
      if (x.free) continue;
      equal = equal && x.hash == y.hash;
      const bool covered = (x.wild && x.accepts(y.text)) || (y.wild && y.accepts(x.text));
      if (x.hash != y.hash && !covered) return false;
      wild += x.wild || y.wild;
      words += x.hash == y.hash && !x.wild && !x.slot;
    }
    return equal || (words >= config_.words_to_join && words > wild);
  }

  void unite(PatternId id, PatternId merged) {
    Template& first = templates_[id];
    const Template& second = templates_[merged];
    leave(first);
    for (std::size_t i = 0; i < first.chunks.size(); ++i) {
      if (first.chunks[i].hash != second.chunks[i].hash) make_wild(first, i, second.chunks[i].text);
    }
    first.rebuild_text();
    enter(first);
    forward(merged, id);
    mark_dirty(id);
    ++version_;
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
                              .free = chunk.free,
                              .value = chunk.value,
                              .keyed = chunk.keyed});
    }
    fresh.rebuild_text();
    const PatternId id = fresh.pattern.id;
    append(std::move(fresh));
    return id;
  }

  void append(Template fresh) {
    if (fresh.pattern.merged_into == 0) enter(fresh);
    templates_.push_back(std::move(fresh));
    ++version_;
  }

  // A template as it stands, into the indexes and out of them.
  void enter(Template& one) {
    tree_.insert(one);
    likeness_.add(one);
    for (TemplateChunk& chunk : one.chunks) use_word(chunk);
  }
  void leave(Template& one) {
    tree_.remove(one);
    likeness_.remove(one);
    for (TemplateChunk& chunk : one.chunks) {
      if (!chunk.wild) --word_uses_[chunk.word];
    }
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
  TemplateTree tree_;
  Likeness likeness_;
  std::unordered_map<std::uint64_t, std::uint32_t> words_;  // hash -> index into word_uses_
  std::vector<std::uint32_t> word_uses_;                    // places in templates
  std::vector<PatternId> dirty_;
  std::uint64_t version_ = 1;  // counts changes of templates
  std::vector<Remembered> memory_ = std::vector<Remembered>(16);
  std::vector<TemplateTree::Leaf> leaves_;  // of masked_
  ScannedLine scanned_;
  MaskedLine masked_;
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
PatternId Miner::resolve(PatternId id) const {
  return state_->resolve(id);
}
std::vector<MinerRow> Miner::take_dirty() {
  return state_->take_dirty();
}
Status Miner::load(const std::vector<MinerRow>& rows) {
  return state_->load(rows);
}

std::string Miner::serialize() const {
  ByteWriter out;
  out.u8(kStateVersion);
  const bool other = state_->find(kOtherPattern) != nullptr;
  out.varint(state_->size() + (other ? 1 : 0));
  for (PatternId id = other ? 0 : 1; id <= state_->size(); ++id) out.string(state_->row(id).bytes);
  return out.take();
}

Result<Miner> Miner::deserialize(std::string_view bytes, const MinerConfig& config) {
  ByteReader in(bytes);
  if (in.u8() != kStateVersion) return data_loss("miner state: unknown version");
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
  SILT_ASSIGN(Template one, decode_template(bytes));
  return std::move(one.pattern);
}

}  // namespace silt::fold
