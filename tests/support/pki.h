// Certificate authorities, and what they sign, as files of PEM in a folder of the test's; by the openssl command.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace silt::testing {

class Authority {
 public:
  Authority(std::string folder, const std::string& name) : stem_(std::move(folder) + "/" + name) {
    run("req -x509 " + std::string(kNewKey) + " -days 2 -subj /CN=" + name + " -keyout " + stem_ + ".key -out " + certificate());
  }
  std::string certificate() const { return stem_ + ".pem"; }

  struct Identity {
    std::string certificate;
    std::string key;
  };
  // `usage`: clientAuth or serverAuth; `names`: of subjectAltName, "DNS:a,URI:b", or none.
  Identity issue(const std::string& name, const std::string& names, const std::string& usage) const {
    const std::string own = stem_ + "-" + name;
    std::ofstream extensions(own + ".ext");
    extensions << "extendedKeyUsage=" << usage << "\n";
    if (!names.empty()) extensions << "subjectAltName=" << names << "\n";
    extensions.close();
    run("req -new " + std::string(kNewKey) + " -subj /CN=" + name + " -keyout " + own + ".key -out " + own + ".csr");
    run("x509 -req -days 2 -in " + own + ".csr -CA " + certificate() + " -CAkey " + stem_ + ".key -CAcreateserial -extfile " + own +
        ".ext -out " + own + ".pem");
    return {own + ".pem", own + ".key"};
  }

 private:
  static constexpr char kNewKey[] = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  static void run(const std::string& arguments) {
    if (std::system(("openssl " + arguments + " 2>/dev/null").c_str()) != 0) std::abort();
  }
  std::string stem_;
};

inline std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace silt::testing
