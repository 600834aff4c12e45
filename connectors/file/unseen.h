// Unseen files: those that came, were written and went between two looks. What was in them nobody can say;
// that they were is told, so that a rotation that outruns the reader does not pass for silence.
//
// Follows the events of new files by name, in their order. A file that is still there when the events are
// settled is no matter of ours: discovery looks at it. A second name for a file looks like a new one; where it
// passed unseen, it is told of though nothing is lost. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "connectors/file/watcher.h"

namespace silt::connectors {

class UnseenFiles {
 public:
  // `wanted`: whether the globs want a path.
  explicit UnseenFiles(std::function<bool(const std::string& path)> wanted) : wanted_(std::move(wanted)) {}

  void note(const std::string& path, const Watcher::Event& event);
  // Events were lost: what was followed may be anything by now.
  void forget();
  // After all waiting events were noted. Gives the paths, as they were wanted, of files that are gone: one
  // entry a file. Files whose name leads nowhere yet are followed on.
  std::vector<std::string> settle(const std::function<bool(const std::string& path)>& exists);

 private:
  struct File {
    std::string path;  // the last one that the globs want; empty: none was
    bool written = false;
  };

  void lose(File file);
  void put(const std::string& path, File file);

  std::function<bool(const std::string&)> wanted_;
  std::unordered_map<std::string, File> at_;        // by the name that each has
  std::unordered_map<std::uint32_t, File> moving_;  // by cookie: left one name, did not arrive at another yet
  std::vector<std::string> lost_;
};

}  // namespace silt::connectors
