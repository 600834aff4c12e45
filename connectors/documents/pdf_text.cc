#include "connectors/documents/pdf_text.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace silt::connectors {
namespace {

constexpr int kNoProgram = 127;
constexpr int kNoLimit = 126;

void limit(int what, rlim_t value) {
  const rlimit both{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(what), &both) != 0) ::_exit(kNoLimit);
}

// Between fork and exec: nothing but system calls, for other threads may hold any lock.
[[noreturn]] void become_pdftotext(int in, int out, const PdfLimits& limits) {
  ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC);  // where it is allowed
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  limit(RLIMIT_CPU, limits.seconds);
  limit(RLIMIT_AS, limits.memory_bytes);
  limit(RLIMIT_FSIZE, 0);  // pipes are no files
  limit(RLIMIT_CORE, 0);
  const int nothing = ::open("/dev/null", O_WRONLY);
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(nothing, 2) < 0) ::_exit(kNoProgram);
  ::close_range(3, ~0U, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const char* const arguments[] = {"pdftotext", "-q", "-enc", "UTF-8", "-", "-", nullptr};
  const char* const environment[] = {"LC_ALL=C.UTF-8", nullptr};
  ::execve(limits.program.c_str(), const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
  ::_exit(kNoProgram);
}

// Until the child closes its end, the time is up, or it says too much: false.
bool read_all(int fd, const PdfLimits& limits, std::string& out) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(limits.seconds);
  std::array<char, 65536> bytes;
  while (out.size() <= limits.text_bytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) return false;
    const ssize_t size = ::read(fd, bytes.data(), bytes.size());
    if (size == 0) return true;
    if (size < 0 && errno != EINTR) return false;
    if (size > 0) out.append(bytes.data(), static_cast<std::size_t>(size));
  }
  return false;
}

std::vector<Section> pages_of(const std::string& text) {
  std::vector<Section> out;
  std::size_t begin = 0;
  for (int page = 1; begin < text.size(); ++page) {
    const std::size_t end = std::min(text.find('\f', begin), text.size());
    SectionBuilder one;
    one.heading(1, "page " + std::to_string(page));
    one.text(std::string_view(text).substr(begin, end - begin));
    for (Section& section : one.take()) out.push_back(std::move(section));
    begin = end + 1;
  }
  return out;
}

}  // namespace

Result<std::vector<Section>> pdf_sections(int fd, const PdfLimits& limits) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_status("make a pipe for pdftotext", errno);
  const pid_t child = ::fork();
  if (child == 0) become_pdftotext(fd, ends[1], limits);
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return errno_status("start pdftotext", errno);
  }
  std::string text;
  const bool ended = read_all(ends[0], limits, text);
  ::close(ends[0]);
  if (!ended) ::kill(child, SIGKILL);
  int state = 0;
  while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(state) && WEXITSTATUS(state) == kNoProgram)
    return failed_precondition(limits.program + " is not there: install poppler-utils, or exclude *.pdf");
  if (WIFEXITED(state) && WEXITSTATUS(state) == kNoLimit)
    return failed_precondition("pdftotext is not run, for its memory and time cannot be limited: exclude *.pdf");
  if (!ended || !WIFEXITED(state) || WEXITSTATUS(state) != 0)
    return data_loss("no PDF that can be read in " + std::to_string(limits.seconds) + " s and " +
                     std::to_string(limits.memory_bytes >> 20) + " MiB");
  return pages_of(text);
}

}  // namespace silt::connectors
