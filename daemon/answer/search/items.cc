#include "daemon/answer/search/items.h"

#include <algorithm>
#include <cmath>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/records.h"
#include "daemon/store/attributes.h"

namespace silt::answer::search {
namespace {

constexpr std::string_view kVersion = "version";  // connectors::kItemVersion, as the journal has it
constexpr std::string_view kGone = "deleted";
constexpr float kTitle = 3;  // a word there counts as so many: what a ticket is called
constexpr float kHeading = 4, kHeadingAbove = 2;
constexpr std::size_t kTextMax = 64 * 1024;
constexpr float kK1 = 1.2F, kB = 0.4F;  // BM25
constexpr float kCovered = 0.5F;  // so much better is a section that has all of a question's weight

}  // namespace

void Items::use_text(std::string_view text, float weight, std::unordered_map<std::uint32_t, float>& to) {
  language::for_each_word(text.substr(0, kTextMax), [&](std::string_view word, std::size_t) {
    if (word.size() < 2 || word.size() > 60) return;
    const auto [at, is_new] = stem_at_.emplace(language::stem(language::lower(word)), static_cast<std::uint32_t>(stem_at_.size()));
    to[at->second] += weight;
  });
}

// "Postgres > Replication lag"
void Items::use_heading(std::string_view path, Item& item, std::unordered_map<std::uint32_t, float>& to) {
  constexpr std::string_view kBelow = " > ";
  const std::size_t border = path.rfind(kBelow);
  if (border != std::string_view::npos) use_text(path.substr(0, border), kHeadingAbove, to);
  std::unordered_map<std::uint32_t, float> own;
  use_text(border == std::string_view::npos ? path : path.substr(border + kBelow.size()), kHeading, own);
  for (const auto& [stem, weight] : own) {
    item.heading.push_back(stem);
    to[stem] += weight;
  }
}

std::uint32_t Items::entity_of(const Item& item) {
  const std::string_view ticket = item.attribute("ticket");
  const std::string name(ticket.empty() ? std::string_view(item.place) : ticket);
  const auto [at, is_new] = entity_at_.emplace(name, static_cast<std::uint32_t>(entities_.size()));
  if (is_new) {
    entities_.push_back({name, !ticket.empty(), {}});
    tickets_ += ticket.empty() ? 0 : 1;
  }
  return at->second;
}

bool Items::add(const store::RecordView& record, std::int64_t event_us) {
  if (record.attributes.empty()) return false;
  const auto attributes = store::decode_attributes(record.attributes);
  if (!attributes.is_ok()) return false;
  Item item;
  for (const store::Attribute& each : *attributes) item.attributes.emplace(each.key, each.value);
  const std::string version(item.attribute(kVersion));
  if (version.empty()) return false;
  item.seq = record.seq;
  item.event_us = event_us;
  item.place = record.origin.place;
  const auto known = item_at_.find(item.place);
  std::size_t before = ~std::size_t{0};  // how many events of its time stood before it: it keeps its turn
  if (known != item_at_.end()) {
    Item& old = items_[known->second];
    history_.insert(old.seq);
    old.stands = false;
    std::vector<std::uint32_t>& its_items = entities_[entity_of(old)].items;
    const auto turn = std::find(its_items.begin(), its_items.end(), known->second);
    if (old.event_us == event_us) before = static_cast<std::size_t>(turn - its_items.begin());
    its_items.erase(turn);
  }
  if (version == kGone) {
    history_.insert(record.seq);
    item_at_.erase(item.place);
    return true;
  }
  const std::string_view text = record.text;
  const bool is_section = !item.attribute("section").empty();
  const bool headed = is_section || item.attribute("kind") == "created";
  const std::size_t head = headed ? std::min(text.find('\n'), text.size()) : 0;
  std::unordered_map<std::uint32_t, float> stems;
  if (is_section) use_heading(text.substr(0, head), item, stems);
  else use_text(text.substr(0, head), kTitle, stems);
  use_text(item.attribute("document"), 1, stems);
  use_text(text.substr(head), 1, stems);
  item.stems.assign(stems.begin(), stems.end());
  std::sort(item.stems.begin(), item.stems.end());
  for (const auto& [stem, count] : item.stems) item.length += count;
  const auto index = static_cast<std::uint32_t>(items_.size());
  item_at_[item.place] = index;
  Entity& entity = entities_[entity_of(item)];
  items_.push_back(std::move(item));
  const auto later = std::upper_bound(entity.items.begin(), entity.items.end(), index, [&](std::uint32_t a, std::uint32_t b) {
    return items_[a].event_us < items_[b].event_us;
  });
  const auto turn = before <= entity.items.size() ? entity.items.begin() + static_cast<std::ptrdiff_t>(before) : later;
  entity.items.insert(turn, index);
  return true;
}

Status update_items(const store::RecordLog& log, store::SourceRef source, std::shared_ptr<const Items>& items) {
  if (items->none_) return Status::ok();
  const auto next = std::make_shared<Items>(*items);
  const auto visit = [&](const store::RecordView& record, const store::FoldMark& mark) {
    const bool first = next->read_seq_ == 0;
    next->read_seq_ = record.seq;
    next->none_ = !next->add(record, mark.event_us) && first;
    return !next->none_;
  };
  SILT_TRY(scan_records(log, source, {items->read_seq_ + 1, ~store::Seq{0}}, visit).status());
  if (next->read_seq_ != items->read_seq_) items = next;
  return Status::ok();
}

const Entity* Items::ticket(std::string_view name) const {
  for (const std::string& form : {std::string(name), "#" + std::string(name)}) {
    const auto found = entity_at_.find(form);
    if (found != entity_at_.end() && entities_[found->second].is_ticket && !entities_[found->second].items.empty()) return &entities_[found->second];
  }
  return nullptr;
}

std::vector<Ranked> Items::rank(const std::vector<std::vector<std::string>>& stems, bool tickets) const {
  std::unordered_map<std::uint32_t, std::size_t> group_of;
  for (std::size_t g = 0; g < stems.size(); ++g) {
    for (const std::string& stem : stems[g]) {
      const auto found = stem_at_.find(stem);
      if (found != stem_at_.end()) group_of.emplace(found->second, g);
    }
  }
  std::vector<std::vector<float>> counts(entities_.size());  // per group
  std::vector<float> lengths(entities_.size(), 0), having(stems.size(), 0);
  float all = 0, total = 0;
  for (std::size_t u = 0; u < entities_.size(); ++u) {
    if (entities_[u].is_ticket != tickets || entities_[u].items.empty()) continue;
    counts[u].assign(stems.size(), 0);
    for (const std::uint32_t i : entities_[u].items) {
      lengths[u] += items_[i].length;
      for (const auto& [stem, count] : items_[i].stems) {
        const auto group = group_of.find(stem);
        if (group != group_of.end()) counts[u][group->second] += count;
      }
    }
    all += 1;
    total += lengths[u];
    for (std::size_t g = 0; g < stems.size(); ++g) having[g] += counts[u][g] > 0 ? 1 : 0;
  }
  std::vector<float> weight(stems.size(), 0);
  float weights = 0;
  for (std::size_t g = 0; g < stems.size(); ++g) {
    weight[g] = std::log(1 + (all - having[g] + 0.5F) / (having[g] + 0.5F));
    weights += weight[g];
  }
  std::vector<Ranked> out;
  const float mean = all > 0 ? total / all : 1;
  for (std::size_t u = 0; u < entities_.size(); ++u) {
    Ranked one{static_cast<std::uint32_t>(u), 0, 0};
    for (std::size_t g = 0; g < counts[u].size(); ++g) {
      const float count = counts[u][g];
      if (count <= 0) continue;
      one.score += weight[g] * count * (kK1 + 1) / (count + kK1 * (1 - kB + kB * lengths[u] / mean));
      one.coverage += weights > 0 ? weight[g] / weights : 0;
    }
    if (one.score > 0) out.push_back(one);
  }
  if (!tickets) prefer_whole_headings(group_of, out);
  std::stable_sort(out.begin(), out.end(), [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  return out;
}

// By the share of a heading's weight that the question has, and of the question's that the section has: "Tunnel https
// traffic" is what "how do I tunnel https?" asks for rather than "Tunnel git traffic" with many words about https below.
void Items::prefer_whole_headings(const std::unordered_map<std::uint32_t, std::size_t>& group_of, std::vector<Ranked>& ranked) const {
  std::vector<float> having(stem_at_.size(), 0);
  float all = 0;
  for (const Entity& entity : entities_) {
    if (entity.is_ticket || entity.items.empty()) continue;
    all += 1;
    for (const std::uint32_t i : entity.items) {
      for (const auto& [stem, count] : items_[i].stems) having[stem] += 1;
    }
  }
  for (Ranked& one : ranked) {
    float asked = 0, whole = 0;
    for (const std::uint32_t i : entities_[one.entity].items) {
      for (const std::uint32_t stem : items_[i].heading) {
        const float weight = std::log(1 + (all - having[stem] + 0.5F) / (having[stem] + 0.5F));
        whole += weight;
        asked += group_of.contains(stem) ? weight : 0;
      }
    }
    one.score *= (1 + kCovered * one.coverage) * (1 + (whole > 0 ? asked / whole : 0));
  }
}

}  // namespace silt::answer::search
