#include "daemon/learn/commands.h"

#include <utility>

namespace silt::learn {
namespace {

Status stopping() {
  return unavailable("the learner is stopping");
}

}  // namespace

Status Commands::run(Task task) {
  return add(std::move(task)).get();
}

void Commands::post(Task task) {
  add(std::move(task));
}

std::future<Status> Commands::add(Task task) {
  Command command{std::move(task), {}};
  std::future<Status> done = command.done.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      command.done.set_value(stopping());
      return done;
    }
    commands_.push_back(std::move(command));
  }
  posted_();
  return done;
}

bool Commands::waiting() const {
  const std::lock_guard lock(mutex_);
  return !commands_.empty();
}

void Commands::run_all() {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (commands_.empty()) return;
    Command command = std::move(commands_.front());
    commands_.pop_front();
    lock.unlock();
    command.done.set_value(command.task());
  }
}

void Commands::close() {
  std::deque<Command> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(commands_);
  }
  for (Command& command : left) command.done.set_value(stopping());
}

}  // namespace silt::learn
