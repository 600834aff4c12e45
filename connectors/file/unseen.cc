#include "connectors/file/unseen.h"

#include <utility>

namespace silt::connectors {
namespace {

constexpr std::size_t kFollowedMax = 4096;  // names; of more, none is followed over a look

}  // namespace

void UnseenFiles::note(const std::string& path, const Watcher::Event& event) {
  const auto known = at_.find(path);
  switch (event.step) {
    case Watcher::Step::kCreated: put(path, {}); break;
    case Watcher::Step::kLeft:
      if (known == at_.end()) break;
      moving_[event.cookie] = std::move(known->second);
      at_.erase(known);
      break;
    case Watcher::Step::kArrived:
      if (known != at_.end()) {  // it was replaced
        lose(std::move(known->second));
        at_.erase(known);
      }
      if (auto moved = moving_.extract(event.cookie); !moved.empty()) put(path, std::move(moved.mapped()));
      break;
    case Watcher::Step::kDeleted:
      if (known == at_.end()) break;
      lose(std::move(known->second));
      at_.erase(known);
      break;
    case Watcher::Step::kStays:
      if (known != at_.end() && event.kind == Watcher::Kind::kWritten) known->second.written = true;
      break;
  }
}

void UnseenFiles::put(const std::string& path, File file) {
  if (wanted_(path)) file.path = path;
  at_[path] = std::move(file);
}

void UnseenFiles::lose(File file) {
  if (file.written && !file.path.empty()) lost_.push_back(std::move(file.path));
}

void UnseenFiles::forget() {
  at_.clear();
  moving_.clear();
}

std::vector<std::string> UnseenFiles::settle(const std::function<bool(const std::string&)>& exists) {
  for (auto& [cookie, file] : moving_) lose(std::move(file));  // to a folder that nobody watches
  moving_.clear();
  std::erase_if(at_, [&](const auto& entry) { return exists(entry.first); });
  if (at_.size() > kFollowedMax) at_.clear();
  return std::exchange(lost_, {});
}

}  // namespace silt::connectors
