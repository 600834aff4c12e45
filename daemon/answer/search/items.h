// Items: what stands in a source whose places name items that change (see kItemVersion): tickets by their events,
// documents by their sections. An item that was told again stands as it was told last.
//
// An entity is what a question is about: a ticket with all of its events, or one section. Texts stay in the journal; kept
// are the stems of each, to rank entities by a question, and the attributes. Read-only once it is shared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "daemon/store/record_log.h"

namespace silt::answer::search {

using Attributes = std::map<std::string, std::string, std::less<>>;

struct Item {
  store::Seq seq = 0;
  std::int64_t event_us = 0;
  std::string place;  // "rm:#42/3"
  Attributes attributes;
  std::vector<std::pair<std::uint32_t, float>> stems;  // by number, with how often: more in headings
  std::vector<std::uint32_t> heading;  // of a section, without those above it; stems by number
  float length = 0;
  bool stands = true;
  std::string_view attribute(std::string_view key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? std::string_view() : std::string_view(found->second);
  }
};

struct Entity {
  std::string name;                // "#42", or the place of a section
  bool is_ticket = false;
  std::vector<std::uint32_t> items;  // that stand, in the order of their events
};

struct Ranked {
  std::uint32_t entity = 0;
  float score = 0;
  float coverage = 0;  // share of the question's weight that the entity has, 0 to 1
};

class Items {
 public:
  bool empty() const { return items_.empty(); }
  const std::vector<Item>& items() const { return items_; }
  const std::vector<Entity>& entities() const { return entities_; }
  bool has_tickets() const { return tickets_ > 0; }
  bool has_sections() const { return entities_.size() > tickets_; }
  // Told again, or gone: history.
  bool is_history(store::Seq seq) const { return history_.contains(seq); }
  // A ticket by the name that people use: "42", "#42", "OPS-12"; nullptr: none.
  const Entity* ticket(std::string_view name) const;

  // Entities that have some of the words, best first (BM25; sections whose heading is all asked for come before those that
  // are asked for in part). A word of several stems in one group counts once.
  std::vector<Ranked> rank(const std::vector<std::vector<std::string>>& stems, bool tickets) const;

  bool has_history() const { return !history_.empty(); }

  // A record that names an item; false: it names none.
  bool add(const store::RecordView& record, std::int64_t event_us);

 private:
  friend Status update_items(const store::RecordLog& log, store::SourceRef source, std::shared_ptr<const Items>& items);
  std::uint32_t entity_of(const Item& item);
  void use_heading(std::string_view path, Item& item, std::unordered_map<std::uint32_t, float>& to);
  void prefer_whole_headings(const std::unordered_map<std::uint32_t, std::size_t>& group_of, std::vector<Ranked>& ranked) const;
  void use_text(std::string_view text, float weight, std::unordered_map<std::uint32_t, float>& to);

  store::Seq read_seq_ = 0;
  bool none_ = false;  // the source's records name no items
  std::vector<Item> items_;
  std::vector<Entity> entities_;
  std::size_t tickets_ = 0;
  std::unordered_map<std::string, std::uint32_t> item_at_;  // by place
  std::unordered_map<std::string, std::uint32_t> entity_at_;
  std::unordered_set<store::Seq> history_;
  std::unordered_map<std::string, std::uint32_t> stem_at_;
};

// Brings them up to the present of their source. Whether a source has items at all, its first record says.
Status update_items(const store::RecordLog& log, store::SourceRef source, std::shared_ptr<const Items>& items);

}  // namespace silt::answer::search
