// E-mail: messages of an mbox or a file of a Maildir, as text, with whom and what they answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace silt::connectors {

struct Mail {
  std::string id;       // of the message, without brackets; of one that has none, a digest
  std::string thread;   // id of the message that the conversation began with, as far as it says
  std::string subject, author;
  std::int64_t at_us = 0;
  std::string text;
  std::vector<std::string> attachments;  // names
};

Mail parse_mail(std::string_view message);
// Each message of an mbox, without the line that separates them.
std::vector<std::string_view> split_mbox(std::string_view mbox);
bool is_mbox(std::string_view begin);

}  // namespace silt::connectors
