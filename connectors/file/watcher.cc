#include "connectors/file/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace silt::connectors {
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
                                  IN_MOVE_SELF | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;

Watcher::Kind kind_of(std::uint32_t mask) {
  if ((mask & IN_ISDIR) != 0) return Watcher::Kind::kDirectory;
  return (mask & IN_MODIFY) != 0 ? Watcher::Kind::kWritten : Watcher::Kind::kOther;
}

Watcher::Step step_of(std::uint32_t mask) {
  if ((mask & IN_CREATE) != 0) return Watcher::Step::kCreated;
  if ((mask & IN_MOVED_FROM) != 0) return Watcher::Step::kLeft;
  if ((mask & IN_MOVED_TO) != 0) return Watcher::Step::kArrived;
  return (mask & IN_DELETE) != 0 ? Watcher::Step::kDeleted : Watcher::Step::kStays;
}

}  // namespace

Watcher::Watcher(bool use_inotify) {
  if (!use_inotify) return;
  fd_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd_) failure_ = errno_status("start inotify", errno);
}

Status Watcher::watch(const std::string& directory) {
  if (!fd_) return failure_;
  // Asked each time: a removed directory that a file of ours keeps alive sends no IN_DELETE_SELF, so
  // only the descriptor tells that the path leads to another directory now.
  const int descriptor = ::inotify_add_watch(fd_.get(), directory.c_str(), kEvents | IN_ONLYDIR);
  if (descriptor < 0) return errno_status("watch " + directory, errno);
  const auto known = descriptors_.find(directory);
  if (known != descriptors_.end() && known->second == descriptor) return Status::ok();
  if (known != descriptors_.end()) {
    ::inotify_rm_watch(fd_.get(), known->second);
    forget(known->second);
  }
  forget(descriptor);  // another name of the same directory: the newest one counts
  directories_[descriptor] = directory;
  descriptors_[directory] = descriptor;
  return Status::ok();
}

void Watcher::forget(int descriptor) {
  const auto found = directories_.find(descriptor);
  if (found == directories_.end()) return;
  descriptors_.erase(found->second);
  directories_.erase(found);
}

void Watcher::drain(const Changes& changes) {
  if (!fd_) return;
  alignas(inotify_event) char buffer[64 * 1024];
  while (true) {
    const ssize_t size = ::read(fd_.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    for (const char* at = buffer; at < buffer + size;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      const char* name = at + sizeof event;
      at += sizeof event + event.len;
      const auto found = directories_.find(event.wd);
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        changes.on_unknown();
      } else if (found == directories_.end()) {
        continue;  // of a watch that is already gone
      } else if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) {
        if ((event.mask & IN_MOVE_SELF) != 0)
          ::inotify_rm_watch(fd_.get(), event.wd);  // its path is stale now
        const std::string directory = found->second;
        forget(event.wd);
        const bool deleted = (event.mask & (IN_MOVE_SELF | IN_UNMOUNT)) == 0;
        deleted ? changes.on_gone(directory) : changes.on_unknown();
      } else if (event.len > 0) {
        // IN_ATTRIB of a name: permissions were mended, or a link to it came or went.
        changes.on_name(found->second, name, {kind_of(event.mask), step_of(event.mask), event.cookie});
      }
    }
  }
}

}  // namespace silt::connectors
