// Asks questions over plain files, without a daemon:
//   answer_lab ROOT < QUESTIONS.tsv > REPLIES.jsonl     a question: id TAB file[,file...] TAB text
// Each reply is one JSON object with what a client sees. Files are read once.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "daemon/answer/query_text.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/reply/compose.h"
#include "tests/answer/lines_store.h"

namespace {

using namespace silt;
using namespace silt::answer;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\', out += c;
    else if (byte < 0x20 || byte >= 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else out += c;
  }
  return out + '"';
}

std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> out;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, mark);) out.push_back(part);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string root = argc > 1 ? argv[1] : ".";
  const bool unscoped = argc > 2 && std::string(argv[2]) == "--unscoped";
  const std::int64_t now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::vector<std::vector<std::string>> questions;
  for (std::string line; std::getline(std::cin, line);) questions.push_back(split(line, '\t'));
  LinesStore lines;
  std::map<std::string, std::shared_ptr<search::Profile>> profiles;
  search::Profiles all;
  for (const auto& question : questions) {
    for (const std::string& file : split(question[1], ',')) {
      if (profiles.contains(file)) continue;
      std::ifstream in(root + "/" + file, std::ios::binary);
      std::stringstream text;
      text << in.rdbuf();
      auto profile = std::make_shared<search::Profile>();
      profile->name = file;
      profile->ref = lines.add(file, text.str(), now);
      const auto start = std::chrono::steady_clock::now();
      if (const Status status = search::update_profile(lines, lines, *profile); !status.is_ok()) std::cerr << status.to_string() << '\n';
      std::fprintf(stderr, "%s: %zu records, %zu patterns, %zu slots, profile in %.0f ms\n", file.c_str(), static_cast<std::size_t>(profile->records),
                   profile->patterns.size(), profile->slots.size(), std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      profiles[file] = profile;
      all.push_back(profile);
    }
  }
  for (const auto& question : questions) {
    plan::PlanContext context;
    context.time.now_us = now;
    if (unscoped) context.scope = all;
    else for (const std::string& file : split(question[1], ',')) context.scope.push_back(profiles[file]);
    context.scoped = !unscoped;
    const auto start = std::chrono::steady_clock::now();
    auto plans = plan::make_plans(question[2], context);
    auto judged = reply::judge(lines, context.scope, std::move(plans), {});
    if (!judged.is_ok()) {
      std::cout << "{\"id\":" << json_text(question[0]) << ",\"error\":" << json_text(judged.status().to_string()) << "}\n";
      continue;
    }
    const reply::Reply reply = reply::compose(*judged, 0, 8);
    const reply::Verdict verdict = judged->verdict;
    judged->verdict = reply::Verdict::kStated;
    const reply::Reply forced = reply::compose(*judged, 0, 8);  // what it would have said, for calibration
    judged->verdict = verdict;
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    std::cout << "{\"id\":" << json_text(question[0]) << ",\"answer\":" << json_text(reply.text) << ",\"forced\":" << json_text(forced.text) << ",\"op\":\"" << answer::name_of(judged->candidate.query.op) << "\",\"verdict\":\"" << name_of(judged->verdict)
              << "\",\"confidence\":" << judged->confidence << ",\"margin\":" << judged->candidate.margin << ",\"ms\":" << ms << ",\"plan\":" << json_text(print_query(judged->candidate.query))
              << ",\"evidence\":[";
    for (std::size_t i = 0; i < reply.citations.size(); ++i) {
      const search::Hit& hit = reply.citations[i];
      std::cout << (i ? "," : "") << "{\"seq\":" << hit.seq << ",\"text\":" << json_text(hit.text) << ",\"time\":" << json_text(reply::time_text(hit.event_us, 0)) << "}";
    }
    std::cout << "]}\n";
  }
}
