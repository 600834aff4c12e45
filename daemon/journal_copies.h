// Journal copies: the files in which a syslog daemon of this host writes down what the journal has, too. Where the
// journal is read, they are left out, so that each message is read once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace silt::daemon {

// The files that a configuration of rsyslog names, both ways of writing it. None when it also takes messages from
// other hosts: those are in its files only.
std::vector<std::string> files_of_rsyslog(std::string_view configuration);

// Of this host, by `folder`/rsyslog.conf and `folder`/rsyslog.d; none where there is no journal that siltd can read.
std::vector<std::string> journal_copies(const std::string& folder = "/etc");

}  // namespace silt::daemon
