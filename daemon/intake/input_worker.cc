#include "daemon/intake/input_worker.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace silt::intake {

struct InputWorker::Shared {
  std::unique_ptr<connectors::Connector> connector;  // the worker's
  std::shared_ptr<void> holds;
  std::shared_ptr<const connectors::Activity> activity;
  connectors::Batch batch;  // the worker's while a poll is under way, else the owner's

  mutable std::mutex mutex;  // of what follows
  std::condition_variable changed;
  std::function<void()> on_polled;
  std::deque<std::function<void(Shared&)>> calls;
  std::optional<Polled> polled;
  connectors::ConnectorStats stats;
  bool ending = false;
  bool ended = false;
  bool abandoned = false;
};

namespace {

constexpr std::chrono::seconds kStatsEvery{1};  // at least: a server counts errors also while nothing is polled

// Nobody waits for these threads any more; they last as long as the process.
void keep(std::thread thread) {
  static auto* const mutex = new std::mutex();
  static auto* const abandoned = new std::vector<std::thread>();
  const std::lock_guard lock(*mutex);
  abandoned->push_back(std::move(thread));
}

}  // namespace

InputWorker::InputWorker(std::unique_ptr<connectors::Connector> connector, std::shared_ptr<void> holds,
                         std::function<void()> on_polled)
    : shared_(std::make_shared<Shared>()) {
  shared_->stats = connector->stats();
  shared_->activity = connector->activity();
  shared_->connector = std::move(connector);
  shared_->holds = std::move(holds);
  shared_->on_polled = std::move(on_polled);
  thread_ = std::thread([shared = shared_] { run(shared); });
}

InputWorker::~InputWorker() {
  end(Deadline::clock::now());
}

void InputWorker::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (!shared->ending) {
    std::function<void(Shared&)> call;
    if (!shared->calls.empty()) {
      call = std::move(shared->calls.front());
      shared->calls.pop_front();
    } else if (shared->changed.wait_for(lock, kStatsEvery) == std::cv_status::no_timeout) {
      continue;
    }
    lock.unlock();
    if (call) call(*shared);
    const bool gone = [&] {
      const std::lock_guard look(shared->mutex);
      return shared->abandoned;
    }();
    connectors::ConnectorStats stats = gone ? connectors::ConnectorStats() : shared->connector->stats();
    lock.lock();
    shared->stats = std::move(stats);
  }
  if (!shared->abandoned) {
    lock.unlock();
    shared->batch = {};
    std::exchange(shared->connector, nullptr).reset();  // closes files, which may hang, too
    lock.lock();
  }
  if (shared->abandoned) {  // what it refers to may be gone by now
    (void)shared->connector.release();
    (void)new std::shared_ptr<void>(std::move(shared->holds));
  }
  shared->ended = true;
  shared->changed.notify_all();
}

void InputWorker::post(std::function<void(Shared&)> call) {
  const std::lock_guard lock(shared_->mutex);
  shared_->calls.push_back(std::move(call));
  shared_->changed.notify_all();
}

void InputWorker::start_poll(const connectors::ReadLimits& limits,
                             std::optional<std::vector<connectors::CursorRow>> resume_from) {
  polling_ = true;
  post([limits, rows = std::move(resume_from)](Shared& shared) {
    Polled polled;
    if (rows) polled.status = shared.connector->resume(*rows);
    polled.resumed = polled.status.is_ok();
    if (polled.resumed) {
      const Result<bool> more = shared.connector->poll(limits, shared.batch);
      polled.status = more.status();
      polled.more = more.is_ok() && *more;
    }
    const std::lock_guard lock(shared.mutex);
    shared.polled = std::move(polled);
    shared.changed.notify_all();
    if (!shared.abandoned) shared.on_polled();
  });
}

bool InputWorker::wait_until(Deadline deadline) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_until(lock, deadline, [this] { return shared_->polled.has_value(); });
}

std::optional<InputWorker::Polled> InputWorker::take() {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->polled) polling_ = false;
  return std::exchange(shared_->polled, std::nullopt);
}

connectors::Batch& InputWorker::batch() {
  return shared_->batch;
}

void InputWorker::confirm() {
  post([](Shared& shared) { shared.connector->confirm(); });
}

void InputWorker::notify_when_ready(std::function<void()> wake) {
  post([wake = std::move(wake)](Shared& shared) { shared.connector->notify_when_ready(wake); });
}

void InputWorker::notify_when_filling(std::function<void()> wake) {
  post([wake = std::move(wake)](Shared& shared) { shared.connector->notify_when_filling(wake); });
}

connectors::ConnectorStats InputWorker::stats() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->stats;
}

std::string InputWorker::doing() const {
  return shared_->activity ? shared_->activity->place() : std::string();
}

void InputWorker::ask_to_end() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_all();
}

bool InputWorker::end(Deadline deadline) {
  if (!thread_.joinable()) return true;
  ask_to_end();
  std::unique_lock lock(shared_->mutex);
  const bool ended = shared_->changed.wait_until(lock, deadline, [this] { return shared_->ended; });
  if (!ended) {
    shared_->abandoned = true;
    shared_->on_polled = nullptr;
  }
  lock.unlock();
  ended ? thread_.join() : keep(std::move(thread_));
  return ended;
}

}  // namespace silt::intake
