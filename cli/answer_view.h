// An answer, collected from its stream, and its form on a terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::cli {

struct Answer {
  silt::v1::Plan plan;
  std::vector<silt::v1::Citation> evidence;
  silt::v1::AskFinal final;
  bool complete = false;  // the final message has arrived

  void add(const silt::v1::AskResponse& event);
};

// "[1] web3:/var/log/auth.log #1234  2026-11-21 20:54:35  line", with the cited span highlighted.
std::string render(const silt::v1::Citation& citation, const Style& style);
// How the question was read: a line. It arrives first.
std::string render(const silt::v1::Plan& plan, const Style& style);
// All but the plan.
std::string render(const Answer& answer, const Style& style);

}  // namespace silt::cli
