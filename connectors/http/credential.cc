#include "connectors/http/credential.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/escape.h"

namespace silt::connectors {
namespace {

constexpr std::string_view kSystemdFolder = "/run/credentials/siltd.service";

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos;
}

}  // namespace

std::string credential_path(const std::string& name) {
  if (is_path(name)) return name;
  const char* const own = std::getenv("CREDENTIALS_DIRECTORY");  // systemd.exec(5): of a running service
  return (own != nullptr ? std::string(own) : std::string(kSystemdFolder)) + '/' + name;
}

Result<std::string> read_credential(const std::string& name) {
  const std::string path = credential_path(name);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    const int error = errno;
    return errno_status("read the credential " + path, error)
        .with_context(is_path(name) ? "write it there with mode 0600" : "add LoadCredential=" + name + ":FILE to siltd.service");
  }
  struct stat file{};
  std::array<char, 4096> bytes{};
  const bool is_file = ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
  const ssize_t size = is_file ? ::read(fd, bytes.data(), bytes.size()) : -1;
  ::close(fd);
  if (size < 0) return failed_precondition("the credential " + path + " is no file that can be read");
  // Those of systemd are in a folder of the service's own; an ACL that lets it read them shows as rights of a group.
  if (is_path(name) && (file.st_mode & 0077) != 0)
    return permission_denied("the credential " + path + " can be read by others: chmod 600 " + path);
  std::string_view text(bytes.data(), static_cast<std::size_t>(size));
  text = text.substr(0, text.find_first_of("\r\n"));
  if (text.empty()) return failed_precondition("the credential " + path + " is empty: write the key into its first line");
  return std::string(text);
}

std::string basic_authorization(const std::string& user_and_password) {
  return "Basic " + base64(user_and_password);
}

}  // namespace silt::connectors
