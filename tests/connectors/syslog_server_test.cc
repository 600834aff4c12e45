// The syslog server, with senders that people have: logger(1), rsyslog with a queue on disk, openssl(1); and with
// peers that mean no good.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "connectors/syslog/syslog_connector.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class SyslogServerTest : public ::testing::Test {
 protected:
  void listen(const std::vector<std::string>& endpoints) {
    for (const std::string& each : endpoints) options.listen.push_back(parse_endpoint(each, kSyslogKinds).value());
    options.collector.input = "net";
    options.collector.zone = [](std::int64_t) { return 0; };
    start();
  }
  void start() {
    connector = make_syslog_connector(options, clock);
    journal.resume(*connector);
  }
  std::string port(std::size_t i = 0) const { return std::to_string(connector->endpoints()[i].port); }

  // Stores what comes until it is true; false after half a minute.
  bool store_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      if (!journal.take(*connector)) std::this_thread::yield();
      if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
  }
  bool store(std::size_t records) {
    return store_until([&] { return journal.records.size() >= records; });
  }
  tcp::socket connect(std::size_t i = 0) {
    tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), connector->endpoints()[i].port});
    return socket;
  }
  static void send(tcp::socket& socket, const std::string& bytes) { asio::write(socket, asio::buffer(bytes)); }
  // Whether the server has closed it.
  static bool is_closed(tcp::socket& socket) {
    boost::system::error_code failed;
    char byte;
    socket.read_some(asio::buffer(&byte, 1), failed);
    return static_cast<bool>(failed);
  }
  std::multiset<std::string> texts() const {
    std::multiset<std::string> out;
    for (const Kept& kept : journal.records) out.insert(kept.text);
    return out;
  }

  silt::testing::TempDir dir;
  SystemClock clock;
  asio::io_context io;
  SyslogOptions options;
  std::unique_ptr<PushConnector> connector;
  Journal journal;
};

int shell(const std::string& command) { return std::system(command.c_str()); }

TEST_F(SyslogServerTest, TakesWhatLoggerSendsOverEveryTransport) {
  listen({"udp:0", "tcp:0", "unix:" + dir.path("log")});
  const std::string to = "logger --id=42 -t gate -p auth.err ";
  ASSERT_EQ(shell(to + "-n 127.0.0.1 -d -P " + port(0) + " --rfc5424 --sd-id zoo@1 --sd-param 'tiger=\"hungry\"' by udp"), 0);
  ASSERT_EQ(shell(to + "-n 127.0.0.1 -T -P " + port(1) + " --octet-count by counted tcp"), 0);
  ASSERT_EQ(shell(to + "-n 127.0.0.1 -T -P " + port(1) + " --rfc3164 by lines of tcp"), 0);
  ASSERT_EQ(shell(to + "-u " + dir.path("log") + " by a socket"), 0);
  ASSERT_TRUE(store(4));
  EXPECT_EQ(texts(), (std::multiset<std::string>{"by udp", "by counted tcp", "by lines of tcp", "by a socket"}));
  for (const Kept& kept : journal.records) {
    EXPECT_EQ(kept.attributes.at("app"), "gate") << kept.text;
    EXPECT_EQ(kept.attributes.at("pid"), "42") << kept.text;
    EXPECT_EQ(kept.attributes.at("severity"), "err") << kept.text;
    EXPECT_EQ(kept.attributes.at("facility"), "auth") << kept.text;
    EXPECT_NE(kept.told_us, 0) << kept.text;
    if (kept.text == "by udp") {
      EXPECT_EQ(kept.attributes.at("zoo@1.tiger"), "hungry");
      EXPECT_EQ(kept.attributes.at("sender"), "127.0.0.1");
      EXPECT_EQ(kept.place, "syslog:" + kept.attributes.at("host"));
    }
    if (kept.text == "by a socket") {
      EXPECT_EQ(kept.attributes.at("host"), "local");
    }
  }
}

TEST_F(SyslogServerTest, APlaceThatIsTakenCostsItselfAndIsOpenedWhenItIsFree) {
  tcp::acceptor other(io, {asio::ip::make_address("127.0.0.1"), 0});
  const std::string taken = "tcp:" + std::to_string(other.local_endpoint().port());
  options.listen_again_ms = 1;
  listen({taken, "tcp:0"});
  ASSERT_EQ(connector->endpoints().size(), 1U);
  auto socket = connect(0);
  send(socket, "<13>it serves\n");
  ASSERT_TRUE(store(1));
  const std::string error = connector->stats().last_error;
  EXPECT_NE(error.find("tcp:127.0.0.1:" + taken.substr(4)), std::string::npos) << error;
  EXPECT_NE(error.find("tried again"), std::string::npos) << error;
  other.close();
  ASSERT_TRUE(store_until([&] { return connector->endpoints().size() == 2; }));
  auto late = connect(1);
  send(late, "<13>now, too\n");
  ASSERT_TRUE(store(2));
  EXPECT_EQ(connector->stats().last_error, "");
}

TEST_F(SyslogServerTest, LetsInClientsWithACertificateOnly) {
  const std::string made = "cd " + dir.path() + " && for who in server client stranger; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                           "-nodes -days 2 -subj /CN=$who -keyout $who.key -out $who.pem 2>/dev/null; done";
  ASSERT_EQ(shell(made), 0);
  options.tls = {dir.path("server.pem"), dir.path("server.key"), dir.path("client.pem")};
  listen({"tls:0"});
  const auto send_as = [&](const std::string& who, const std::string& text) {
    return shell("cd " + dir.path() + " && printf '<13>Nov 30 10:00:00 h a: " + text + "\\n' | openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:" + port() +
                 (who.empty() ? "" : " -cert " + who + ".pem -key " + who + ".key") + " >/dev/null 2>&1");
  };
  send_as("stranger", "of a stranger");
  send_as("", "of nobody");
  send_as("client", "of a client");
  ASSERT_TRUE(store(1));
  EXPECT_EQ(texts(), (std::multiset<std::string>{"of a client"}));
  EXPECT_NE(connector->stats().last_error.find("a TLS handshake with 127.0.0.1 failed"), std::string::npos) << connector->stats().last_error;
}

TEST_F(SyslogServerTest, GarbageEndsItsConnectionAndNoOther) {
  listen({"tcp:0"});
  tcp::socket good = connect(), bad = connect(), cut = connect();
  send(good, "<13>Nov 30 10:00:00 h a: first\n");
  send(bad, "4 <1>aGARBAGE");
  send(cut, "100 <13>Nov 30 10:00:00 h a: cut off");
  cut.close();
  EXPECT_TRUE(is_closed(bad));
  send(good, "<13>Nov 30 10:00:00 h a: second\n");
  ASSERT_TRUE(store(4));
  EXPECT_EQ(texts(), (std::multiset<std::string>{"first", "second", "a", "cut off"}));
  EXPECT_NE(connector->stats().last_error.find("its octet count is none"), std::string::npos);
}

TEST_F(SyslogServerTest, SlowAndSilentPeersAreEndedAndHoldNothingUp) {
  options.server.message_ms = 50;
  listen({"tcp:0"});
  tcp::socket silent = connect(), slow = connect(), good = connect();
  send(good, "<13>Nov 30 10:00:00 h a: in time\n");
  send(slow, "<13>Nov 30 10:00:00 h a: never end");
  ASSERT_TRUE(store(1));
  EXPECT_TRUE(is_closed(silent));
  EXPECT_TRUE(is_closed(slow));
  send(good, "<13>Nov 30 10:00:00 h a: still there\n");
  ASSERT_TRUE(store(2));
}

TEST_F(SyslogServerTest, MoreConnectionsThanItsPartAreRefused) {
  options.collector.senders.connections_max = 8;
  listen({"tcp:0"});
  tcp::socket first = connect(), second = connect();
  send(first, "<13>a: x\n");
  send(second, "<13>a: x\n");
  ASSERT_TRUE(store(2));
  tcp::socket third = connect();
  EXPECT_TRUE(is_closed(third));
  EXPECT_NE(connector->stats().last_error.find("1 connections were refused"), std::string::npos) << connector->stats().last_error;
  first.close();
  ASSERT_TRUE(store_until([&] { return connector->stats().files_open == 1; }));
  tcp::socket fourth = connect();
  send(fourth, "<13>a: y\n");
  EXPECT_TRUE(store(3));
}

// Ten thousand connections, opened and left: the one that has something to say is heard.
TEST_F(SyslogServerTest, FloodsOfConnectionsHoldNothingUp) {
  listen({"tcp:0"});
  tcp::socket good = connect();
  std::vector<tcp::socket> idle;
  for (int i = 0; i < 10'000; ++i) {
    if (idle.size() == 100) idle.clear();
    idle.push_back(connect());
  }
  send(good, "<13>a: heard\n");
  EXPECT_TRUE(store(1));
}

TEST_F(SyslogServerTest, AFullInboxStopsReadingAndLosesNothing) {
  options.inbox.bytes_max = 1 << 20;
  listen({"tcp:0", "unix:" + dir.path("log")});
  constexpr int kMessages = 5000;
  std::thread stream([&] {
    tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), connector->endpoints()[0].port});
    for (int i = 0; i < kMessages; ++i) send(socket, "<13>Nov 30 10:00:00 h a: stream " + std::to_string(i) + "\n");
  });
  std::thread datagrams([&] {
    asio::local::datagram_protocol::socket socket(io);
    socket.connect({dir.path("log")});
    for (int i = 0; i < kMessages; ++i) socket.send(asio::buffer("<13>a: datagram " + std::to_string(i)));
  });
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  // Nothing is stored meanwhile: a journal that keeps up with the senders would never let it fill.
  while (connector->stats().refused == 0 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_GT(connector->stats().refused, 0U);
  EXPECT_TRUE(store(2 * kMessages)) << journal.records.size();
  stream.join();
  datagrams.join();
  std::set<std::string> distinct;
  for (const Kept& kept : journal.records) distinct.insert(kept.text);
  EXPECT_EQ(distinct.size(), 2U * kMessages);
}

// All of them, though no datagram comes after the flood.
TEST_F(SyslogServerTest, LostDatagramsStandInGapRecords) {
  options.collector.senders.bytes_per_s_max = 100;
  listen({"udp:0"});
  asio::ip::udp::socket socket(io, asio::ip::udp::v4());
  const asio::ip::udp::endpoint to(asio::ip::make_address("127.0.0.1"), connector->endpoints()[0].port);
  const auto flood = [&] {
    for (int i = 0; i < 20; ++i) socket.send_to(asio::buffer("<13>a: thirty bytes of datagram"), to);
  };
  const auto accounted = [&] {
    int datagrams = 0;
    for (const Kept& kept : journal.records) datagrams += kept.attributes.contains("cause") ? std::stoi(kept.text) : 1;
    return datagrams;
  };
  flood();
  ASSERT_TRUE(store_until([&] { return accounted() == 20; })) << accounted();
  flood();
  ASSERT_TRUE(store_until([&] { return accounted() == 40; })) << accounted();
  EXPECT_GT(connector->stats().bytes_lost, 0U);
  EXPECT_NE(connector->stats().last_error.find("datagrams were lost"), std::string::npos);
}

TEST_F(SyslogServerTest, HostsBecomeStreams) {
  listen({"tcp:0"});
  tcp::socket socket = connect();
  send(socket, "<13>Nov 30 10:00:00 db3 a: x\n<13>Nov 30 10:00:00 web1 a: y\n<13>a: z\n");
  std::set<std::string> streams;
  ASSERT_TRUE(store_until([&] {
    Batch batch;
    EXPECT_TRUE(connector->poll({}, batch).is_ok());
    for (const StreamBatch& each : batch.streams) streams.insert(each.stream);
    connector->confirm();
    return streams.size() == 3;
  }));
  EXPECT_EQ(streams, (std::set<std::string>{"net:db3", "net:web1", "net:127.0.0.1"}));
}

// rsyslog as people run it, with a queue on disk, sends by RELP.
class Rsyslog {
 public:
  Rsyslog(const silt::testing::TempDir& dir, const std::string& port) : dir_(dir) {
    std::ofstream(dir.path("rsyslog.conf"))
        << "global(workDirectory=\"" << dir.path() << "\" processInternalMessages=\"on\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\nmodule(load=\"omrelp\")\n"
        << "input(type=\"imuxsock\" Socket=\"" << dir.path("in") << "\" RateLimit.Interval=\"0\")\n"
        << "action(type=\"omrelp\" target=\"127.0.0.1\" port=\"" << port << "\" conn.timeout=\"2\" timeout=\"2\" queue.type=\"Disk\" queue.filename=\"q\" "
        << "queue.checkpointInterval=\"1\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" action.resumeIntervalMax=\"1\" template=\"RSYSLOG_SyslogProtocol23Format\")\n";
    start();
  }
  ~Rsyslog() { stop(SIGKILL); }

  void start() {
    std::filesystem::remove(dir_.path("in"));
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl("/usr/sbin/rsyslogd", "rsyslogd", "-n", "-iNONE", "-f", dir_.path("rsyslog.conf").c_str(), nullptr);
      ::_exit(127);
    }
    while (!std::filesystem::exists(dir_.path("in")) && ::waitpid(pid_, nullptr, WNOHANG) == 0) std::this_thread::yield();
  }
  void stop(int signal) {
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
  }
  void log(int first, int count) const {
    const std::string command = "seq -f 'order %.0f' " + std::to_string(first) + " " + std::to_string(first + count - 1) + " | logger -t shop -u " + dir_.path("in");
    ASSERT_EQ(shell(command), 0);
  }
  // What it was sent is not its own before it has read it.
  bool has_queued(const std::string& text) const { return shell("grep -q '" + text + "' " + dir_.path("q.0*") + " 2>/dev/null") == 0; }

 private:
  const silt::testing::TempDir& dir_;
  pid_t pid_ = -1;
};

// Both ends end and come back; siltd also as if it were killed: what was not stored is gone. (An rsyslog that is stopped
// while its peer is away may lose what it had in hand, and says so.)
TEST_F(SyslogServerTest, NothingThatRsyslogQueuesIsLost) {
  if (!std::filesystem::exists("/usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so")) GTEST_SKIP() << "rsyslog-relp is not installed";
  listen({"tcp:0"});
  options.listen[0].port = connector->endpoints()[0].port;
  const auto all_came = [&](std::size_t count) {
    std::set<std::string> distinct;
    return store_until([&] {
      for (const Kept& kept : journal.records) distinct.insert(kept.text);
      return distinct.size() >= count;
    });
  };
  Rsyslog rsyslog(dir, port());
  rsyslog.log(0, 200);
  ASSERT_TRUE(store(100));
  connector.reset();
  rsyslog.log(200, 200);
  start();
  ASSERT_TRUE(store(300));
  rsyslog.log(400, 100);
  journal.take(*connector, false);  // polled, never stored
  connector.reset();
  start();
  ASSERT_TRUE(all_came(500));
  connector.reset();
  rsyslog.log(500, 100);
  while (!rsyslog.has_queued("order 599")) std::this_thread::yield();
  start();
  ASSERT_TRUE(all_came(600));
  rsyslog.stop(SIGTERM);
  rsyslog.start();
  rsyslog.log(600, 100);
  EXPECT_TRUE(all_came(700));
}

// syslog-ng as people run it, with a reliable buffer on disk, sends by TCP.
class SyslogNg {
 public:
  SyslogNg(const silt::testing::TempDir& dir, const std::string& port) : dir_(dir) {
    std::ofstream(dir.path("ng.conf")) << "@version: 3.35\noptions { time-reopen(1); keep-hostname(yes); };\n"
                                       << "source in { unix-dgram(\"" << dir.path("in") << "\"); };\n"
                                       << "destination silt { syslog(\"127.0.0.1\" port(" << port << ") transport(\"tcp\")\n"
                                       << "  disk-buffer(reliable(yes) disk-buf-size(4194304) dir(\"" << dir.path() << "\"))); };\n"
                                       << "log { source(in); destination(silt); };\n";
    start();
  }
  ~SyslogNg() { stop(SIGKILL); }

  void start() {
    std::filesystem::remove(dir_.path("in"));
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(kProgram, "syslog-ng", "-F", "--no-caps", "-f", dir_.path("ng.conf").c_str(), "-R", dir_.path("ng.persist").c_str(), "-p", dir_.path("ng.pid").c_str(),
              "-c", dir_.path("ng.ctl").c_str(), nullptr);
      ::_exit(127);
    }
    while (!std::filesystem::exists(dir_.path("in")) && ::waitpid(pid_, nullptr, WNOHANG) == 0) std::this_thread::yield();
  }
  void stop(int signal) {
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
  }
  void log(int first, int count) const {
    ASSERT_EQ(shell("seq -f 'order %.0f' " + std::to_string(first) + " " + std::to_string(first + count - 1) + " | logger -t shop -u " + dir_.path("in")), 0);
  }
  bool has_queued(const std::string& text) const { return shell("grep -q '" + text + "' " + dir_.path("syslog-ng-*.rqf") + " 2>/dev/null") == 0; }

  static constexpr char kProgram[] = "/usr/sbin/syslog-ng";

 private:
  const silt::testing::TempDir& dir_;
  pid_t pid_ = -1;
};

// TCP has no answers: what it had in flight when siltd went is not meant. What waits on its disk comes, over ends of
// siltd and kills of its own.
TEST_F(SyslogServerTest, NothingThatSyslogNgQueuesIsLost) {
  if (!std::filesystem::exists(SyslogNg::kProgram)) GTEST_SKIP() << "syslog-ng-core is not installed: as Debian packages it, it is there instead of rsyslog";
  listen({"tcp:0"});
  options.listen[0].port = connector->endpoints()[0].port;
  const auto all_came = [&](std::size_t count) {
    std::set<std::string> distinct;
    return store_until([&] {
      for (const Kept& kept : journal.records) distinct.insert(kept.text);
      return distinct.size() >= count;
    });
  };
  SyslogNg sender(dir, port());
  sender.log(0, 200);
  ASSERT_TRUE(all_came(200));
  EXPECT_EQ(journal.records[0].attributes.at("app"), "shop");
  connector.reset();
  sender.log(200, 1);  // tells it that nobody is there: the first one is written into a connection that is closed
  sender.log(1000, 200);
  while (!sender.has_queued("order 1199")) std::this_thread::yield();
  sender.stop(SIGKILL);
  sender.start();
  start();
  ASSERT_TRUE(all_came(400));
  sender.stop(SIGTERM);
  sender.start();
  sender.log(2000, 100);
  EXPECT_TRUE(all_came(500));
}

}  // namespace
}  // namespace silt::connectors
