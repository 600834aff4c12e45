// siltd and silt as child processes in a temporary folder. Waiting is for what is waited for, with
// a limit; nothing sleeps.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/escape.h"
#include "tests/support/temp_dir.h"

namespace silt::e2e {

struct Outcome {
  int exit_code = -1;  // 128 + signal when it was killed
  std::string out;
  std::string err;
};

// Runs a program to its end.
Outcome run(const std::vector<std::string>& arguments);

// Tries again until it is true; false after a minute.
bool until(const std::function<bool()>& condition);

class Daemon {
 public:
  Daemon();
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  std::string path(const std::string& name = "") const { return dir_.path(name); }
  // The printed name of its source.
  std::string source(const std::string& log) const { return escape_bytes("host:" + path(log)); }
  void write(const std::string& name, const std::string& bytes) const;
  void append(const std::string& name, const std::string& bytes) const;
  // The configuration: of a tiny model, "*.log" in the folder, and a socket beside it. `more` is added, `model` to what
  // is said of the model, `learn` likewise.
  void configure(const std::string& more = "", const std::string& model = "", const std::string& learn = "") const;
  // What runs from the next start on, and what it finds in its environment beside ours.
  void use(std::string program, std::vector<std::string> environment);

  // With a limit on its file descriptors; 0: ours.
  void start(uid_t user = 0, unsigned descriptors = 0);
  // Its exit code and what it printed; it must have been told to stop, or be failing by itself.
  Outcome wait();
  void signal(int number) const;
  bool running() const { return pid_ > 0; }

  Outcome silt(std::vector<std::string> arguments) const;
  // Started, and all `lines` of `log` are journalled and processed.
  bool has_learned(const std::string& log, std::uint64_t lines) const;
  // What `silt sources --json` says of the log.
  std::string source_json(const std::string& log) const;

 private:
  silt::testing::TempDir dir_;
  pid_t pid_ = -1;
  std::string program_;
  std::vector<std::string> environment_;
};

}  // namespace silt::e2e
