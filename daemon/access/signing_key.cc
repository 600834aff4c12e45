#include "daemon/access/signing_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/check.h"

namespace silt::access {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Context = std::unique_ptr<EVP_MD_CTX, Free>;
using File = std::unique_ptr<std::FILE, Free>;
using Key = std::shared_ptr<EVP_PKEY>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Status unusable(const std::string& path) {
  return invalid_argument(path + " holds no Ed25519 key without a passphrase; make one with: openssl genpkey -algorithm ed25519 -out " + path);
}

Status sync_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_status("open " + folder, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return failed == 0 ? Status::ok() : errno_status("sync " + folder, failed);
}

}  // namespace

Result<SigningKey> SigningKey::load(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) return errno_status("read the key " + path, errno);
  struct stat info{};
  if (::fstat(::fileno(file.get()), &info) != 0) return errno_status("read the key " + path, errno);
  if ((info.st_mode & 077) != 0) return permission_denied("the key " + path + " may be read by others: chmod 600 " + path);
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  const Key key(PEM_read_PrivateKey(file.get(), nullptr, no_passphrase, nullptr), &EVP_PKEY_free);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return unusable(path);
  return SigningKey(key);
}

Result<SigningKey> SigningKey::make(const std::string& path) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
  if (!key) return internal_error("OpenSSL made no Ed25519 key");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno_status("make the key " + path, errno);
  const File file(::fdopen(fd, "w"));
  const bool written = file && PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
                       std::fflush(file.get()) == 0 && ::fsync(fd) == 0;
  if (!written) {
    const Status failed = errno_status("write the key " + path, errno != 0 ? errno : EIO);
    ::unlink(path.c_str());
    return failed;
  }
  SILT_TRY(sync_folder(path));
  return SigningKey(key);
}

Result<std::string> SigningKey::sign(std::string_view text) const {
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  const bool done = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
                    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(text), text.size()) == 1;
  if (!done || size != kSignatureBytes) return internal_error("OpenSSL signed nothing");
  return signature;
}

bool SigningKey::verifies(std::string_view text, std::string_view signature) const {
  const Context context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  SILT_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1);
  return bytes;
}

}  // namespace silt::access
