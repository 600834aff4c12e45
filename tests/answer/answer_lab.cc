// Asks questions over plain files, without a daemon:
//   answer_lab ROOT [--unscoped | --sources] [--encoder WEIGHTS VECTORS] < QUESTIONS.tsv
// A question is id TAB file[,file...] TAB text. Each reply is one JSON object, a line, with what a client sees.
// Files are read once. With an encoder, meaning helps; VECTORS is a file that keeps what it made of patterns
// for the next time.
// --sources: each question of each source alone, with what speaks for the source: what fit_sources.py reads.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "daemon/answer/meaning/sentence_scorer.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/tools/lines_store.h"
#include "daemon/tools/vector_file.h"

namespace {

using namespace silt;
using namespace silt::answer;
using Clock = std::chrono::steady_clock;

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

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Lab {
  std::int64_t now_us = 0;
  LinesStore lines;
  std::map<std::string, std::shared_ptr<search::Profile>> profiles;
  search::Profiles all;
  std::unique_ptr<VectorFile> file;
  std::unique_ptr<meaning::PatternVectors> vectors;  // null: no encoder

  void read(const std::string& root, const std::string& name) {
    if (profiles.contains(name)) return;
    std::ifstream in(root + "/" + name, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    auto profile = std::make_shared<search::Profile>();
    profile->name = name;
    profile->ref = lines.add(name, text.str(), now_us);
    const auto start = Clock::now();
    if (const Status status = search::update_profile(lines, lines, *profile); !status.is_ok()) std::cerr << status.to_string() << '\n';
    std::fprintf(stderr, "%s: %zu records, %zu patterns, %zu slots, profile in %.0f ms\n", name.c_str(), static_cast<std::size_t>(profile->records),
                 profile->patterns.size(), profile->slots.size(), ms_since(start));
    profiles[name] = profile;
    all.push_back(profile);
  }

  Status encode(const std::string& weights, const std::string& path) {
    const auto open = [weights]() -> Result<std::shared_ptr<const model::Encoder>> {
      SILT_ASSIGN(std::shared_ptr<const model::Encoder> encoder, model::Encoder::open(weights));
      return encoder;
    };
    file = std::make_unique<VectorFile>(lines, path);
    vectors = std::make_unique<meaning::PatternVectors>(meaning::PatternVectors::Dependencies{lines, lines, lines, *file, open});
    for (const auto& profile : all) {
      for (bool more = true; more;) {
        SILT_ASSIGN(more, vectors->turn(profile->ref));
      }
    }
    file->save();
    return Status::ok();
  }
};

void print_reply(const std::string& id, reply::Judged& judged, double ms) {
  const plan::Signs& signs = judged.candidate.signs;
  const reply::Reply reply = reply::compose(judged, 0, 8);
  const reply::Verdict verdict = judged.verdict;
  judged.verdict = reply::Verdict::kStated;
  const reply::Reply forced = reply::compose(judged, 0, 8);  // what it would have said, for calibration
  std::cout << "{\"id\":" << json_text(id) << ",\"source\":" << json_text(judged.scope.empty() ? "" : judged.scope.front()->name) << ",\"signs\":[";
  for (std::size_t i = 0; i < signs.size(); ++i) std::cout << (i ? "," : "") << signs[i];
  std::cout << "],\"answer\":" << json_text(reply.text) << ",\"forced\":" << json_text(forced.text)
            << ",\"op\":\"" << answer::name_of(judged.candidate.query.op) << "\",\"verdict\":\"" << name_of(verdict)
            << "\",\"confidence\":" << judged.confidence << ",\"margin\":" << judged.candidate.margin << ",\"ms\":" << ms << ",\"plan\":" << json_text(print_query(judged.candidate.query)) << ",\"evidence\":[";
  for (std::size_t i = 0; i < reply.citations.size(); ++i) {
    const search::Hit& hit = reply.citations[i];
    std::cout << (i ? "," : "") << "{\"seq\":" << hit.seq << ",\"text\":" << json_text(hit.text) << ",\"time\":" << json_text(reply::time_text(hit.event_us, 0)) << "}";
  }
  std::cout << "]}\n";
}

void ask(Lab& lab, const std::vector<std::string>& question, bool unscoped, bool each) {
  plan::PlanContext context;
  context.time.now_us = lab.now_us;
  if (unscoped) context.scope = lab.all;
  else for (const std::string& file : split(question[1], ',')) context.scope.push_back(lab.profiles[file]);
  context.scoped = !unscoped;
  std::optional<meaning::SentenceScorer> scorer;
  if (lab.vectors) context.scorer = &scorer.emplace(*lab.vectors);
  if (each) context.tried_max = context.scope.size();
  const auto start = Clock::now();
  std::vector<plan::Candidate> plans = plan::make_plans(question[2], context);
  if (each) {
    for (plan::Candidate& one : plans) {
      auto judged = reply::judge(lab.lines, context.scope, {one}, {});
      if (judged.is_ok()) print_reply(question[0], *judged, ms_since(start));
    }
    return;
  }
  auto judged = reply::judge(lab.lines, context.scope, std::move(plans), {});
  if (!judged.is_ok()) {
    std::cout << "{\"id\":" << json_text(question[0]) << ",\"error\":" << json_text(judged.status().to_string()) << "}\n";
    return;
  }
  if (judged->verdict == reply::Verdict::kClosest) plan::fill_near(judged->candidate, context.scope, context.scorer);
  print_reply(question[0], *judged, ms_since(start));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string root = argc > 1 ? argv[1] : ".";
  bool unscoped = false, each = false;
  std::string weights, vectors_file;
  for (int i = 2; i < argc; ++i) {
    const std::string option = argv[i];
    unscoped |= option == "--unscoped";
    each |= option == "--sources";
    if (option == "--encoder" && i + 2 < argc) weights = argv[++i], vectors_file = argv[++i];
  }
  Lab lab;
  lab.now_us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::vector<std::vector<std::string>> questions;
  for (std::string line; std::getline(std::cin, line);) questions.push_back(split(line, '\t'));
  for (const auto& question : questions) {
    for (const std::string& file : split(question[1], ',')) lab.read(root, file);
  }
  if (const Status status = weights.empty() ? Status::ok() : lab.encode(weights, vectors_file); !status.is_ok()) {
    std::cerr << status.to_string() << '\n';
    return 1;
  }
  for (const auto& question : questions) ask(lab, question, unscoped || each, each);
}
