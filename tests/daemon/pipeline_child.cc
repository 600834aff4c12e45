// The process that crash tests kill: reads files, journals, learns and commits until it has
// processed N records, then stops in good order; or dies at the n-th passing of a named point.
//
//   pipeline_child STORE MODEL STAMP_STEP_US FINISH_AT KILL_POINT KILL_COUNT INCLUDE...
// FINISH_AT 0: until killed. KILL_POINT "-": never by itself. Each passed point prints one byte.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "tests/daemon/pipeline.h"

int main(int argc, char** argv) {
  if (argc < 8) return 64;
  ::alarm(60);  // a child that never finishes is a failure, not a test that hangs
  silt::daemon::PipelineOptions options;
  options.store = argv[1];
  options.model = argv[2];
  options.stamp_step_us = std::atoll(argv[3]);
  const auto finish_at = static_cast<std::uint64_t>(std::atoll(argv[4]));
  const std::string kill_point = argv[5];
  std::atomic<long> left(std::atol(argv[6]));
  options.include.assign(argv + 7, argv + argc);
  options.at_point = [&](std::string_view point) {
    if (point == kill_point && --left <= 0) ::kill(::getpid(), SIGKILL);
    (void)!::write(STDOUT_FILENO, ".", 1);
  };
  auto pipeline = silt::daemon::Pipeline::create(options);
  if (!pipeline.is_ok()) {
    std::fprintf(stderr, "%s\n", pipeline.status().to_string().c_str());
    return 74;
  }
  (*pipeline)->start();
  for (;;) {
    ::usleep(1000);
    if ((*pipeline)->failed()) return 74;
    const auto learned = (*pipeline)->learned();
    if (!learned.is_ok()) return 74;
    if (finish_at != 0 && *learned >= finish_at) break;
  }
  (*pipeline)->stop();
  return 0;
}
