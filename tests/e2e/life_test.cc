// One life of siltd: start, tail, learn, answer, reset, be killed, come back, stop.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/e2e/processes.h"

namespace silt::e2e {
namespace {

namespace json = boost::json;

// Invented lines: seven of eight are routine, each eighth is refused.
std::string lines(int first, int count) {
  std::string out;
  for (int i = first; i < first + count; ++i) {
    const std::string minute = std::to_string(10 + i % 50);
    const std::string head = "2026-11-21T09:" + minute + ":00Z gate[7]: ";
    out += head + (i % 8 == 7 ? "refused badge " + std::to_string(4000 + i) + " at door north\n"
                              : "opened door south for badge " + std::to_string(1000 + i % 5) + "\n");
  }
  return out;
}

json::value ask(const Daemon& daemon, const std::string& question, int expected_exit = 0) {
  const Outcome outcome = daemon.silt({"ask", "--json", question});
  EXPECT_EQ(outcome.exit_code, expected_exit) << outcome.out << outcome.err;
  return outcome.out.empty() ? json::value() : json::parse(outcome.out);
}

class Life : public ::testing::Test {
 protected:
  void begin() {
    daemon_.write("gate.log", lines(0, 64));
    daemon_.start();
    ASSERT_TRUE(daemon_.has_learned("gate.log", 64)) << daemon_.silt({"sources"}).err;
  }
  json::value source() const {
    const std::string text = daemon_.source_json("gate.log");
    if (!text.empty()) return json::parse(text);
    const Outcome sources = daemon_.silt({"sources", "--json"});  // says why, so that it can be found when it happens
    ADD_FAILURE() << "no source: " << sources.exit_code << " " << sources.err << sources.out;
    return sources.exit_code == 0 ? json::parse(sources.out).at("sources").as_array().at(0) : json::value();
  }
  std::string text_of(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(daemon_.path(name)).rdbuf();
    return text.str();
  }
  Daemon daemon_;
};

TEST_F(Life, TailsLearnsAndAnswersWithCitations) {
  begin();
  const json::value found = ask(daemon_, "which badge was refused? 4063");
  ASSERT_FALSE(found.at("abstained").as_bool());
  ASSERT_FALSE(found.at("evidence").as_array().empty());
  const json::value& first = found.at("evidence").as_array()[0];
  EXPECT_EQ(first.at("text").as_string(), "2026-11-21T09:23:00Z gate[7]: refused badge 4063 at door north");
  EXPECT_EQ(first.at("seq").to_number<int>(), 64);
  EXPECT_EQ(first.at("source").as_string(), daemon_.source("gate.log"));
  EXPECT_EQ(first.at("sha256").as_string().size(), 64U);
  EXPECT_FALSE(found.at("versions").as_array().empty());

  const json::value counted = ask(daemon_, "how many times was a badge refused?");
  EXPECT_NE(std::string(counted.at("answer").as_string()).find('8'), std::string::npos)
      << counted.at("answer").as_string();

  daemon_.append("gate.log", lines(64, 8));  // one more refusal, while it runs
  ASSERT_TRUE(daemon_.has_learned("gate.log", 72));
  const json::value again = ask(daemon_, "how many times was a badge refused?");
  EXPECT_NE(std::string(again.at("answer").as_string()).find('9'), std::string::npos)
      << again.at("answer").as_string();
}

TEST_F(Life, AConversationGoesOnFromTheLastQuestion) {
  begin();
  daemon_.write("questions", "how many times was a badge refused?\nand the first one?\nwhich door?\n");
  const Outcome said = run({"/bin/sh", "-c", std::string(SILT_BINARY) + " --socket " + daemon_.path("query.sock") + " ask -i --json < " + daemon_.path("questions")});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  std::vector<json::value> replies;
  std::istringstream out(said.out);
  for (std::string line; std::getline(out, line);) replies.push_back(json::parse(line));
  ASSERT_EQ(replies.size(), 3U) << said.out;
  EXPECT_EQ(std::string(replies[0].at("answer").as_string()).substr(0, 2), "8 ");
  const auto plan = [&](std::size_t i) { return std::string(replies[i].at("plan").at("text").as_string()); };
  EXPECT_NE(plan(1).find("first"), std::string::npos) << plan(1);
  EXPECT_NE(plan(1).find("refused"), std::string::npos) << plan(1);  // of the question before
  EXPECT_NE(plan(2).find("refused"), std::string::npos) << plan(2);
  EXPECT_NE(std::string(replies[2].at("answer").as_string()).find("north"), std::string::npos) << replies[2].at("answer").as_string();
}

TEST_F(Life, AbstainsWhenThereIsNothing) {
  begin();
  const json::value found = ask(daemon_, "what about xylophone 99887766?", 1);
  EXPECT_TRUE(found.at("abstained").as_bool());
  EXPECT_TRUE(found.at("evidence").as_array().empty());
}

TEST_F(Life, SourcesAndStatusSayHowItIs) {
  begin();
  const json::value now = source();
  EXPECT_EQ(now.at("tenant").as_string(), "default");
  EXPECT_EQ(now.at("journal_seq").to_number<int>(), 64);
  EXPECT_EQ(now.at("learned_lines").to_number<int>(), 64);
  EXPECT_EQ(now.at("state_digest").as_string().size(), 32U);
  EXPECT_GT(now.at("state_version").to_number<int>(), 1);
  EXPECT_GT(now.at("bits_per_byte").at("total").to_number<double>(), 0);
  EXPECT_GE(now.at("patterns").to_number<int>(), 2);
  const Outcome status = daemon_.silt({"status", "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  EXPECT_EQ(json::parse(status.out).at("backlog_records").to_number<int>(), 0);
  EXPECT_NE(daemon_.silt({"sources"}).out.find("gate.log"), std::string::npos);
  const Outcome followed = daemon_.silt({"sources", "--follow", "--for-s", "20"});
  EXPECT_EQ(followed.exit_code, 0);
  EXPECT_NE(followed.out.find("64 lines"), std::string::npos) << followed.out;
}

TEST_F(Life, ListsPatternsInPagesWithTheirTimes) {
  begin();
  std::string page;
  std::uint64_t records = 0, shown = 0;
  do {
    std::vector<std::string> arguments = {"patterns", daemon_.source("gate.log"), "--limit", "1", "--json"};
    if (!page.empty()) arguments.insert(arguments.end(), {"--page", page});
    const Outcome listed = daemon_.silt(arguments);
    ASSERT_EQ(listed.exit_code, 0) << listed.err;
    const json::value reply = json::parse(listed.out);
    EXPECT_FALSE(reply.at("truncated").as_bool());
    ASSERT_EQ(reply.at("patterns").as_array().size(), 1U);
    const json::value& pattern = reply.at("patterns").as_array()[0];
    std::uint64_t in_buckets = 0;
    for (const json::value& count : pattern.at("histogram").at("counts").as_array()) in_buckets += count.to_number<std::uint64_t>();
    EXPECT_EQ(in_buckets, pattern.at("count").to_number<std::uint64_t>());
    records += in_buckets;
    ++shown;
    EXPECT_GE(reply.at("patterns_total").to_number<std::uint64_t>(), shown);
    page = reply.at("next_page_token").as_string();
  } while (!page.empty());
  EXPECT_EQ(records, 64U);
  EXPECT_NE(daemon_.silt({"patterns"}).out.find("|\n"), std::string::npos);
}

TEST_F(Life, ExplainsARecordAndALine) {
  begin();
  const Outcome record = daemon_.silt({"explain", daemon_.source("gate.log"), "8", "--json"});
  ASSERT_EQ(record.exit_code, 0) << record.err;
  const json::value explained = json::parse(record.out);
  EXPECT_EQ(explained.at("record").at("seq").to_number<int>(), 8);
  EXPECT_FALSE(explained.at("tokens").as_array().empty());
  const Outcome line =
      daemon_.silt({"explain", daemon_.source("gate.log"), "--line", "fire in the server room"});
  EXPECT_EQ(line.exit_code, 0) << line.err;
  EXPECT_EQ(daemon_.silt({"explain", daemon_.source("gate.log"), "999"}).exit_code, 1);
  EXPECT_EQ(daemon_.silt({"explain", "host:/absent", "1"}).exit_code, 1);
}

TEST_F(Life, ResetForgetsOnceAndKeepsTheJournal) {
  begin();
  const json::value before = source();
  const std::string name = daemon_.source("gate.log");
  const Outcome preview = daemon_.silt({"state", "reset", name, "--json"});  // without --yes: what would go
  ASSERT_EQ(preview.exit_code, 0) << preview.err;
  EXPECT_TRUE(json::parse(preview.out).at("dry_run").as_bool());
  EXPECT_EQ(source().at("state_digest"), before.at("state_digest"));

  const std::vector<std::string> reset = {"state", "reset", name, "--yes", "--json", "--request-id", "once"};
  const Outcome done = daemon_.silt(reset);
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const json::value after = source();
  EXPECT_NE(after.at("state_digest"), before.at("state_digest"));
  EXPECT_EQ(after.at("journal_seq"), before.at("journal_seq"));
  EXPECT_EQ(after.at("learned_lines").to_number<int>(), 0);
  EXPECT_EQ(daemon_.silt(reset).out, done.out);  // the stored answer
  EXPECT_EQ(source().at("state_version"), after.at("state_version"));
  EXPECT_EQ(daemon_.silt({"state", "reset", name, "--yes", "--expected-version", "1"}).exit_code, 75);
  EXPECT_EQ(daemon_.silt({"state", "reset", "host:/absent", "--yes"}).exit_code, 1);
  EXPECT_EQ(daemon_.silt({"state", "reset", "--all", "--yes"}).exit_code, 0);
}

TEST_F(Life, APoisonedStateIsTakenBackAndAudited) {
  begin();
  const std::string name = daemon_.source("gate.log");
  ASSERT_EQ(daemon_.silt({"state", "pin", name}).exit_code, 0);
  const json::value clean = source();
  std::string poison;
  for (int i = 0; i < 40; ++i) poison += "badge 4242 was never refused " + std::to_string(i) + "\n";
  daemon_.append("gate.log", poison);
  ASSERT_TRUE(daemon_.has_learned("gate.log", 104));
  EXPECT_NE(source().at("state_digest"), clean.at("state_digest"));

  const Outcome preview = daemon_.silt({"state", "rollback", name, "--without", "65-104", "--json"});
  ASSERT_EQ(preview.exit_code, 0) << preview.err;
  EXPECT_EQ(json::parse(preview.out).at("left_out_records").to_number<int>(), 40);
  EXPECT_NE(source().at("state_digest"), clean.at("state_digest"));
  ASSERT_EQ(daemon_.silt({"state", "rollback", name, "--without", "65-104", "--yes"}).exit_code, 0);
  ASSERT_TRUE(daemon_.has_learned("gate.log", 104));
  EXPECT_EQ(source().at("state_digest"), clean.at("state_digest"));
  daemon_.signal(SIGKILL);  // a replay leaves them out as well
  daemon_.wait();
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("gate.log", 104));
  EXPECT_EQ(source().at("state_digest"), clean.at("state_digest"));
  EXPECT_NE(daemon_.silt({"search", "4242"}).out.find("never refused"), std::string::npos);  // the journal has them

  const Outcome listed = daemon_.silt({"state", "list", name, "--json"});
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  const json::value one = json::parse(listed.out).at("sources").as_array().at(0);
  EXPECT_EQ(one.at("left_out_records").to_number<int>(), 40);
  ASSERT_GE(one.at("versions").as_array().size(), 2U);
  const json::value& pinned = one.at("versions").as_array().back();
  EXPECT_TRUE(pinned.at("pinned").as_bool());
  EXPECT_EQ(pinned.at("digest"), clean.at("state_digest"));
  const std::string version = std::to_string(pinned.at("version").to_number<std::uint64_t>());
  const Outcome diff = daemon_.silt({"state", "diff", name, version});
  EXPECT_EQ(diff.exit_code, 0) << diff.err;
  EXPECT_EQ(daemon_.silt({"state", "rollback", name, "--to", "1", "--yes"}).exit_code, 2);  // the pin stands in the way
  EXPECT_EQ(daemon_.silt({"state", "pin", name, version, "--off"}).exit_code, 0);
  EXPECT_EQ(daemon_.silt({"state", "rollback", name, "--to", "1", "--yes"}).exit_code, 0);

  const Outcome audit = daemon_.silt({"audit"});
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_NE(audit.out.find("RollbackState"), std::string::npos) << audit.out;
  EXPECT_NE(audit.out.find("10 entries verified"), std::string::npos) << audit.out;  // begun and done, of five
  std::string log = text_of("state/AUDIT");
  log[log.find("RollbackState")] = 'X';
  daemon_.write("state/AUDIT", log);
  const Outcome changed = daemon_.silt({"audit"});
  EXPECT_EQ(changed.exit_code, 70);
  EXPECT_NE(changed.out.find("NOT whole: line 3 was changed"), std::string::npos) << changed.out;
}

// Two tenants, and a user who may ask in one of them.
TEST_F(Life, ATenantsUserSeesNothingOfAnother) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(::chmod(daemon_.path().c_str(), 0755), 0);
  daemon_.configure("[[source]]\nname = \"till\"\ntenant = \"shop\"\ninclude = [\"" + daemon_.path("*.till") + "\"]\n" +
                    "[[access]]\nuser = \"12345\"\ntenants = [\"shop\"]\n");
  std::string config = text_of("siltd.toml");
  config.insert(config.find("[serve]\n") + 8, "socket_mode = \"0666\"\n");
  daemon_.write("siltd.toml", config);
  daemon_.write("sales.till", lines(0, 16));
  begin();
  const auto as_user = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/setpriv", "--reuid", "12345", "--clear-groups", SILT_BINARY, "--socket", daemon_.path("query.sock")});
    return run(arguments);
  };
  ASSERT_TRUE(until([&] { return as_user({"query", "count words:badge"}).out.find("16") != std::string::npos; }));
  const Outcome sources = as_user({"sources", "--json"});
  EXPECT_EQ(sources.exit_code, 0) << sources.err;
  EXPECT_NE(sources.out.find("sales.till"), std::string::npos);
  EXPECT_EQ(sources.out.find("gate.log"), std::string::npos) << sources.out;
  const Outcome status = as_user({"status", "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  const json::value told = json::parse(status.out);
  ASSERT_EQ(told.at("connectors").as_array().size(), 1U);
  EXPECT_EQ(told.at("connectors").as_array()[0].at("name").as_string(), "till");
  EXPECT_FALSE(told.as_object().contains("resident_states"));
  EXPECT_EQ(json::parse(daemon_.silt({"status", "--json"}).out).at("connectors").as_array().size(), 2U);
  EXPECT_EQ(as_user({"sources", "--tenant", "default"}).exit_code, 77);
  EXPECT_EQ(as_user({"state", "reset", "--all", "--yes"}).exit_code, 77);
  EXPECT_EQ(as_user({"audit"}).exit_code, 77);
  const Outcome audit = daemon_.silt({"audit"});
  EXPECT_NE(audit.out.find("uid:12345"), std::string::npos) << audit.out;
  EXPECT_NE(audit.out.find("PERMISSION_DENIED"), std::string::npos) << audit.out;
}

TEST_F(Life, KilledAndStartedAgainItIsTheSame) {
  begin();
  const json::value before = source();
  const json::value answer = ask(daemon_, "when was badge 4015 refused?");
  daemon_.signal(SIGKILL);
  EXPECT_EQ(daemon_.wait().exit_code, 128 + SIGKILL);
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("gate.log", 64));
  EXPECT_EQ(source(), before);
  const json::value again = ask(daemon_, "when was badge 4015 refused?");
  EXPECT_EQ(again.at("answer"), answer.at("answer"));
  EXPECT_EQ(again.at("evidence"), answer.at("evidence"));
}

// The configuration is a pipe: siltd waits in its start for as long as the test wants.
TEST_F(Life, WhatIsFedIsThereOnceThoughItWasKilled) {
  daemon_.configure("[[source]]\nname = \"pipes\"\ntype = \"feed\"\n");
  daemon_.write("gate.log", lines(0, 8));
  daemon_.write("sent.txt", lines(8, 40'000));
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("gate.log", 8));
  Outcome imported;
  std::thread sender([&] { imported = daemon_.silt({"import", "-s", "pipes:sent", daemon_.path("sent.txt")}); });
  const auto stored = [&] {
    const std::string sources = daemon_.silt({"sources", "--json"}).out;
    return sources.find("pipes:sent") != std::string::npos;
  };
  ASSERT_TRUE(until(stored));
  daemon_.signal(SIGKILL);
  daemon_.wait();
  daemon_.start();
  sender.join();
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_NE(imported.err.find("40,000 records"), std::string::npos) << imported.err;
  EXPECT_EQ(daemon_.silt({"import", "-s", "pipes:sent", daemon_.path("sent.txt")}).exit_code, 0);
  const json::value found = json::parse(daemon_.silt({"sources", "--json"}).out);
  int stored_records = 0;
  for (const json::value& each : found.at("sources").as_array()) {
    if (each.at("source").as_string() == "pipes:sent") stored_records = each.at("journal_seq").to_number<int>();
  }
  EXPECT_EQ(stored_records, 40'000);
}

TEST_F(Life, ATermBeforeItIsReadyEndsItCleanly) {
  const std::string config = daemon_.path("siltd.toml"), text = text_of("siltd.toml");
  std::filesystem::remove(config);
  ASSERT_EQ(::mkfifo(config.c_str(), 0644), 0);
  daemon_.start();
  std::ofstream pipe(config);  // opens when siltd does
  daemon_.signal(SIGTERM);
  pipe << text;
  pipe.close();
  const Outcome ended = daemon_.wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.err.find("ready version"), std::string::npos) << ended.err;
}

TEST_F(Life, AHangupReloadsWhatItCan) {
  begin();
  const auto is_logged = [&](const std::string& word) {
    return until([&] { return text_of("err").find(word) != std::string::npos; });
  };
  std::string config = text_of("siltd.toml");
  config.replace(config.find("cpu_share = 0"), 13, "cpu_share = 1");
  daemon_.write("siltd.toml", config + "[telemetry]\nlog_level = \"debug\"\n");
  daemon_.signal(SIGHUP);
  EXPECT_TRUE(is_logged("reloaded log_level=debug"));
  EXPECT_TRUE(is_logged("not_applied=learn.cpu_share remedy"));
  daemon_.write("siltd.toml", "[nonsense");
  daemon_.signal(SIGHUP);
  EXPECT_TRUE(is_logged("reload_failed"));
  EXPECT_EQ(daemon_.silt({"status"}).exit_code, 0);
  daemon_.signal(SIGTERM);
  EXPECT_EQ(daemon_.wait().exit_code, 0);
}

TEST_F(Life, StopsQuicklyAndCleanly) {
  begin();
  const auto begin = std::chrono::steady_clock::now();
  daemon_.signal(SIGTERM);
  const Outcome ended = daemon_.wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_NE(::access(daemon_.path("query.sock").c_str(), F_OK), 0);
  const Outcome refused = daemon_.silt({"status"});
  EXPECT_EQ(refused.exit_code, 69);
  EXPECT_NE(refused.err.find("is it running? systemctl status siltd"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace silt::e2e
