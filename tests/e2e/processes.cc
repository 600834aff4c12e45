#include "tests/e2e/processes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "tests/model/tiny_model.h"

namespace silt::e2e {
namespace {

namespace json = boost::json;
constexpr int kWaitMs = 60'000;

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

pid_t spawn(const std::vector<std::string>& arguments, const std::string& out, const std::string& err,
            uid_t user, unsigned descriptors = 0, std::vector<std::string> environment = {}) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), STDERR_FILENO);
  // Ours are not theirs: a child that inherited a listening socket would keep its port taken after we closed it.
  if (::close_range(STDERR_FILENO + 1, ~0U, 0) != 0) ::_exit(126);
  const rlimit limit{descriptors, descriptors};
  if (descriptors != 0 && ::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(126);
  if (user != 0 && (::setgid(user) != 0 || ::setuid(user) != 0)) ::_exit(126);
  for (std::string& variable : environment) ::putenv(variable.data());
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int exit_code_of(pid_t child) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  pollfd wait{handle, POLLIN, 0};
  if (::poll(&wait, 1, kWaitMs) == 0) {
    ADD_FAILURE() << "process " << child << " did not end";
    ::kill(child, SIGKILL);
  }
  ::close(handle);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Outcome run(const std::vector<std::string>& arguments) {
  const silt::testing::TempDir dir;
  const pid_t child = spawn(arguments, dir.path("out"), dir.path("err"), 0);
  const int exit_code = exit_code_of(child);
  return {exit_code, content(dir.path("out")), content(dir.path("err"))};
}

bool until(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(kWaitMs);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

Daemon::Daemon() : program_(SILTD_BINARY) {
  ::chmod(path().c_str(), 0755);
  EXPECT_TRUE(model::write_tiny_model(path("tiny.safetensors")).is_ok());
  configure();
}

Daemon::~Daemon() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  exit_code_of(pid_);
}

void Daemon::write(const std::string& name, const std::string& bytes) const {
  std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes;
}

void Daemon::append(const std::string& name, const std::string& bytes) const {
  std::ofstream(path(name), std::ios::binary | std::ios::app) << bytes;
}

void Daemon::use(std::string program, std::vector<std::string> environment) {
  program_ = std::move(program);
  environment_ = std::move(environment);
}

void Daemon::configure(const std::string& more, const std::string& model, const std::string& learn) const {
  write("siltd.toml", "[store]\npath = \"" + path("state") + "\"\nfree_mib_min = 0\n" +  //
                          "[model]\nweights = \"" + path("tiny.safetensors") + "\"\n" + model +
                          "[learn]\ncpu_share = 0\n" + learn +  //
                          "[serve]\nsocket = \"" + path("query.sock") + "\"\n" +
                          "[[source]]\nname = \"host\"\ninclude = [\"" + path("*.log") + "\"]\n" + more);
}

void Daemon::start(uid_t user, unsigned descriptors) {
  ASSERT_FALSE(running());
  pid_ = spawn({program_, "--config", path("siltd.toml")}, path("out"), path("err"), user, descriptors, environment_);
}

Outcome Daemon::wait() {
  const int exit_code = exit_code_of(pid_);
  pid_ = -1;
  return {exit_code, content(path("out")), content(path("err"))};
}

void Daemon::signal(int number) const {
  ASSERT_EQ(::kill(pid_, number), 0);
}

Outcome Daemon::silt(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {SILT_BINARY, "--socket", path("query.sock")});
  return run(arguments);
}

std::string Daemon::source_json(const std::string& log) const {
  const Outcome outcome = silt({"sources", "--json"});
  if (outcome.exit_code != 0) return {};
  const json::value all = json::parse(outcome.out);
  for (const json::value& each : all.at("sources").as_array()) {
    if (each.at("source").as_string() == source(log)) return json::serialize(each);
  }
  return {};
}

bool Daemon::has_learned(const std::string& log, std::uint64_t lines) const {
  return until([&] {
    const std::string text = source_json(log);
    if (text.empty()) return false;
    const json::value now = json::parse(text);
    return now.at("lines").to_number<std::uint64_t>() == lines &&
           now.at("backlog").to_number<std::uint64_t>() == 0 &&
           now.at("learned_seq").to_number<std::uint64_t>() == lines;
  });
}

}  // namespace silt::e2e
