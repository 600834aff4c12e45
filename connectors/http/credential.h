// Credential: a secret that is read from a file of its own, when it is used, so that a new one is taken
// without a restart. It is never in the configuration, a log or a message.
#pragma once

#include <string>

#include "base/status.h"

namespace silt::connectors {

// The file that `name` means: a path, or the name of a systemd credential of siltd.service (LoadCredential=), in
// $CREDENTIALS_DIRECTORY as systemd sets it.
std::string credential_path(const std::string& name);

// `name`: a path, or the name of a systemd credential of siltd.service (LoadCredential=). A file of a path must be
// readable by its owner alone. Returns its first line. Messages name the file and the remedy.
Result<std::string> read_credential(const std::string& name);

// "Basic dXNlcjpwYXNz" for "user:pass".
std::string basic_authorization(const std::string& user_and_password);

}  // namespace silt::connectors
