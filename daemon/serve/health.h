// Health: how siltd's parts are, for those who start it, watch it and send it work. It holds no names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace silt::serve {

struct Part {
  std::string name;     // store, intake, fold, learner, inputs
  bool alive = true;    // else siltd should be started again
  bool ready = true;    // does what it is for
  bool decides = true;  // siltd is not ready without it
  std::string state;    // a word: reading, learning, paused, silent
  std::string detail;   // what is wrong, and what to do
};

struct Health {
  std::vector<Part> parts;
};

}  // namespace silt::serve
