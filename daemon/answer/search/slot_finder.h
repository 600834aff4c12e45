// SlotFinder: the slots of a name in one record after another. Most lines differ from earlier ones in their
// digits only, and what slots a line has does not depend on these, but for the few places that the class of
// a line keeps (slot_finder.cc). So a class of lines is looked into once, and where the store knows which texts
// are of one kind, no text is made for it.
//
// Gives what Anatomist and slot_key give, for any text. Not safe from several threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "daemon/answer/search/anatomy.h"
#include "daemon/store/stretch.h"

namespace silt::answer::search {

class SlotFinder {
 public:
  explicit SlotFinder(const Layout& layout) : layout_(layout) {}

  // What follows is about records of the stretch, which must live so long.
  void enter(store::Stretch& stretch);
  void take(std::size_t index);
  // Whether the record can be read.
  Status look();
  // Slots that slot_key calls `name`, in the order of the line. Lives until the next call of any of these. An
  // error when the record cannot be read.
  Result<std::span<const Slot>> find(const std::string& name);
  // Not 0: all records with this number have the same values in slots of the name. As find().
  Result<std::uint32_t> same(const std::string& name);
  // The text of the record, as far as the slots found last, and what is asked of them, need it: other digits may
  // be those of another record.
  std::string_view text() const { return text_; }

 private:
  // A part of the text, or a name that the extraction made.
  struct Part {
    std::string fixed;
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    bool in_text = false;
  };
  struct Place {
    Slot slot;  // but for its views
    Part name, before, after;
  };
  struct Named {
    std::string name;
    bool each_anew = false;  // a line's digits say what its slots are
    std::vector<Place> places;
    std::size_t begin = 0;  // what of a text is needed for them
    std::size_t end = 0;
    std::uint32_t same = 0;  // of same()
  };
  using Class = std::vector<Named>;  // what was asked of it so far
  using Span = std::array<std::uint32_t, 2>;  // begin and end; none: 0, 0
  // What is known of a kind of texts.
  struct Kind {
    bool met = false;
    bool has_class = false;
    Class* of = nullptr;  // null: each line is looked at for itself
    std::string head;     // of the record that was met last: what its time depends on
    Span time{};          // that time
  };

  Status read_record();
  Class* class_of(std::string_view text, Span time);
  void class_of_kind(Kind& kind);
  void meet(Kind& kind);
  void find_anew(const std::string& name);
  void keep(const std::string& name);
  Named* named(const std::string& name);
  Part part_of(std::string_view view) const;
  std::string_view view_of(const Part& part) const;

  const Layout& layout_;
  Anatomist anatomist_;
  store::Stretch* stretch_ = nullptr;
  std::size_t index_ = 0;
  bool known_ = false;  // whether the next four are the record's
  std::uint32_t kind_ = store::kNoKind;
  Class* class_ = nullptr;
  std::string_view text_;
  Status status_;
  std::vector<Kind> kinds_;  // of the stretch
  std::uint32_t same_count_ = 0;
  std::string key_;
  std::unordered_map<std::string, Class> classes_;
  std::vector<Slot> found_;
};

}  // namespace silt::answer::search
