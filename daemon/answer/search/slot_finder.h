// SlotFinder: the slots of a name in one text after another. Most lines differ from earlier ones in their
// digits only, and what slots a line has does not depend on these, but for the few places that the class of
// a line keeps (slot_finder.cc). So a class of lines is looked into once.
//
// Gives what Anatomist and slot_key give, for any text. Not safe from several threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/answer/search/anatomy.h"

namespace silt::answer::search {

class SlotFinder {
 public:
  explicit SlotFinder(const Layout& layout) : layout_(layout) {}

  // What follows is about `text`, which must live so long.
  void take(std::string_view text);
  // Slots that slot_key calls `name`, in the order of the line. Lives until the next call of either.
  const std::vector<Slot>& find(const std::string& name);

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
  };
  using Class = std::vector<Named>;  // what was asked of it so far

  bool read_class();
  void look(const std::string& name);
  Part part_of(std::string_view view) const;
  std::string_view view_of(const Part& part) const;

  const Layout& layout_;
  Anatomist anatomist_;
  std::string_view text_;
  bool known_ = false;      // whether class_ is the text's, or that it has none
  Class* class_ = nullptr;
  std::string key_;
  std::unordered_map<std::string, Class> classes_;
  std::vector<Slot> found_;
};

}  // namespace silt::answer::search
