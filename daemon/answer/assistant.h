// Assistant: a language model elsewhere that may word queries and sentences.
//
// What it says is a proposal of a stranger who has read hostile text. A query is checked like one that a caller
// types, and reads what the caller may read; a sentence is kept only as far as the verified evidence says it
// (reply/sentences.h). It chooses nothing else. Safe from any thread; a call ends within its time limit.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "proto/silt/v1/query.pb.h"

namespace silt::answer {

class Assistant {
 public:
  struct Source {
    std::string name;
    std::vector<std::string> patterns;  // texts of the most frequent ones
    std::vector<std::string> slots;     // "took (ms)": names as queries call them
  };
  struct PlanTask {
    std::string question;
    std::string now;  // with the asker's zone
    std::vector<Source> sources;
  };
  struct TellTask {
    std::string question;
    std::string answer;                 // silt's own
    std::vector<std::string> evidence;  // the records that it cites: [1], [2], ...
  };

  virtual ~Assistant() = default;
  // Any failure: none came, or it is no query.
  virtual Result<silt::v1::Query> plan(const PlanTask& task) = 0;
  virtual Result<std::string> tell(const TellTask& task) = 0;
};

}  // namespace silt::answer
