// `silt feed`: lines of a pipe into a source, each acknowledged when it is durable.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/feeder.h"

namespace silt::cli {
namespace {

constexpr int kGatherMs = 200;      // lines that follow one another so closely go together
constexpr int kFollowMs = 1000;     // so long the last record waits for more of its lines
constexpr std::size_t kEnough = 256 << 10;

// Appends what the pipe has; 0 at its end, negative after a failure.
ssize_t read_some(std::string& to) {
  char bytes[64 << 10];
  ssize_t count = 0;
  do count = ::read(STDIN_FILENO, bytes, sizeof bytes);
  while (count < 0 && errno == EINTR);
  if (count > 0) to.append(bytes, static_cast<std::size_t>(count));
  return count;
}

bool has_more(int timeout_ms) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, timeout_ms) != 0;
}

}  // namespace

int run_feed(Client& client, const FeedOptions& options) {
  Feeder feeder(client, options, "pipe", request_id_or_new(""));
  std::string waiting;
  bool fresh = false;    // some of it was not sent yet
  bool settled = true;   // nothing can be done with it until more comes
  while (true) {
    Status stored = Status::ok();
    if (has_more(settled ? -1 : fresh ? kGatherMs : kFollowMs)) {
      const ssize_t count = read_some(waiting);
      if (count < 0) return fail(errno_status("read the standard input", errno));
      if (count == 0) break;
      fresh = waiting.size() < kEnough;
      settled = false;
      if (!fresh) stored = feeder.send(waiting, waiting.size(), false);
    } else if (std::exchange(fresh, false)) {
      stored = feeder.send(waiting, waiting.size(), false);
    } else {  // a line that has no end goes on waiting
      stored = feeder.send(waiting, waiting.rfind('\n') + 1, true);
      settled = true;
    }
    if (!stored.is_ok()) return fail(stored);
  }
  const Status stored = feeder.send_all(waiting);
  if (!stored.is_ok()) return fail(stored);
  if (options.json) print("{\"records\":" + std::to_string(feeder.records()) + ",\"bytes\":" + std::to_string(feeder.bytes()) + "}\n");
  return kExitOk;
}

}  // namespace silt::cli
