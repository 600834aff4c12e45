// inputs [RECORDS]: what pushed and journalled records cost on their way into the store (parsed, redacted, appended and
// synced), in records per second of processor time and of the clock. Beside them, in the same run: rsyslogd from the same
// connection to a file, and journalctl -o json over the same journal, where they are installed.
// Senders are processes of their own, so that they are not counted.
#include <arpa/inet.h>
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "connectors/journald/journald_connector.h"
#include "connectors/otlp/otlp_connector.h"
#include "connectors/syslog/syslog_connector.h"
#include "daemon/intake/intake.h"
#include "daemon/store/rocks_store.h"
#include "proto/otlp/v1/logs.grpc.pb.h"

namespace silt {
namespace {

namespace fs = std::filesystem;
namespace wire = opentelemetry::proto::collector::logs::v1;
using Clock = std::chrono::steady_clock;

constexpr char kRsyslogd[] = "/usr/sbin/rsyslogd";
constexpr char kJournalRemote[] = "/usr/lib/systemd/systemd-journal-remote";
constexpr int kRequestRecords = 500;
constexpr int kCallers = 4;

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
double own_cpu_seconds() {
  rusage usage{};
  SILT_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
  return cpu_seconds(usage);
}
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void report(const char* what, int records, double cpu_s, double wall_s) {
  std::printf("%-40s %10.0f records/CPU-s %10.0f records/s  (%.2f CPU-s, %.2f s)\n", what, records / cpu_s, records / wall_s, cpu_s, wall_s);
  std::fflush(stdout);
}

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "silt-bench-XXXXXX").string();
    SILT_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempFolder() { fs::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string message(int i) {
  return "Failed password for invalid user user" + std::to_string(i % 97) + " from 10.0." + std::to_string(i % 251) + "." + std::to_string(i % 17) + " port " +
         std::to_string(1024 + i % 60000) + " ssh2";
}
std::string syslog_line(int i) {
  return "<38>Nov 30 17:00:00 db3 sshd[" + std::to_string(800 + i % 50) + "]: " + message(i) + "\n";
}

int connect_to(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int tries = 0; tries < 1000; ++tries) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
    ::close(fd);
    ::usleep(10'000);
  }
  SILT_CHECK(false);
  return -1;
}

// A port that nobody had a moment ago.
std::uint16_t free_port() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  SILT_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  ::close(fd);
  return ntohs(at.sin_port);
}

// --- senders, in processes of their own --------------------------------------------------------------

void send_syslog(std::uint16_t port, int records) {
  const int fd = connect_to(port);
  std::string part;
  for (int i = 0; i < records; ++i) {
    part += syslog_line(i);
    if (part.size() < 64 * 1024 && i + 1 < records) continue;
    for (std::size_t at = 0; at < part.size();) {
      const ssize_t sent = ::send(fd, part.data() + at, part.size() - at, MSG_NOSIGNAL);
      SILT_CHECK(sent > 0);
      at += static_cast<std::size_t>(sent);
    }
    part.clear();
  }
  ::close(fd);
}

// As fast as it can: who sends datagrams does not wait.
void send_datagrams(std::uint16_t port, int records) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  ::usleep(500'000);  // until somebody listens
  for (int i = 0; i < records; ++i) {
    std::string line = syslog_line(i);
    line.pop_back();
    ::sendto(fd, line.data(), line.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  ::close(fd);
}

void send_requests(wire::LogsService::Stub& stub, int first, int end) {
  for (int at = first; at < end; at += kRequestRecords) {
    wire::ExportLogsServiceRequest request;
    wire::ResourceLogs* const resource = request.add_resource_logs();
    wire::KeyValue* const service = resource->mutable_resource()->add_attributes();
    service->set_key("service.name");
    service->mutable_value()->set_string_value("shop");
    wire::ScopeLogs* const scope = resource->add_scope_logs();
    for (int i = at; i < std::min(end, at + kRequestRecords); ++i) {
      wire::LogRecord* const record = scope->add_log_records();
      record->set_time_unix_nano(1'796'058'000'000'000'000 + static_cast<std::uint64_t>(i));
      record->set_severity_number(9);
      record->mutable_body()->set_string_value(message(i));
    }
    for (bool taken = false; !taken;) {
      grpc::ClientContext context;
      context.set_wait_for_ready(true);
      wire::ExportLogsServiceResponse response;
      const grpc::Status status = stub.Export(&context, request, &response);
      SILT_CHECK(status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE);
      taken = status.ok();
      if (!taken) ::usleep(10'000);
    }
  }
}

void send_otlp(std::uint16_t port, int records) {
  const auto stub = wire::LogsService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i)
    callers.emplace_back([&, i] { send_requests(*stub, records / kCallers * i, i + 1 == kCallers ? records : records / kCallers * (i + 1)); });
  for (std::thread& each : callers) each.join();
}

pid_t start_sender(const char* kind, std::uint16_t port, int records) {
  const std::string port_text = std::to_string(port), records_text = std::to_string(records);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "inputs", "--send", kind, port_text.c_str(), records_text.c_str(), nullptr);
    ::_exit(127);
  }
  return child;
}

// --- silt --------------------------------------------------------------------------------------------

// A store, and what reads one input into it.
struct Silt {
  Silt(const char* kind, std::unique_ptr<connectors::Connector> connector) { intake.add({"default", "net", kind}, std::move(connector)); }

  static std::unique_ptr<store::RocksStore> open(const std::string& path) {
    store::StoreOptions options;
    options.database.path = path;
    return store::RocksStore::open(options).value();
  }

  const TempFolder folder;
  const std::unique_ptr<store::RocksStore> store = open(folder.path("store"));
  const SystemClock clock;
  intake::Intake intake{*store, clock, {}};
};

void into_store(const char* what, const char* kind, std::uint16_t port, int records, std::unique_ptr<connectors::Connector> connector) {
  Silt silt(kind, std::move(connector));
  const double cpu_before = own_cpu_seconds();
  silt.intake.start();
  const pid_t sender = start_sender(kind, port, records);
  const auto start = Clock::now();
  while (silt.intake.counters().records < static_cast<std::uint64_t>(records)) ::usleep(5'000);
  report(what, records, own_cpu_seconds() - cpu_before, seconds_since(start));
  ::waitpid(sender, nullptr, 0);
  silt.intake.stop();
}

// What is lost is lost: how many of them are stored a second after the last one.
void datagrams_into_store(std::uint16_t port, int records, std::unique_ptr<connectors::Connector> connector) {
  Silt silt("syslog", std::move(connector));
  silt.intake.start();
  const pid_t sender = start_sender("udp", port, records);
  const auto start = Clock::now();
  ::waitpid(sender, nullptr, 0);
  const double sent_s = seconds_since(start) - 0.5;
  ::usleep(1'500'000);  // the gap record is told by the second
  std::uint64_t stored = 0, lost = 0;
  for (const store::SourceInfo& info : silt.store->sources()) {
    stored += silt.store->intake_head(info.ref)->lines;
    const std::vector<store::Gap> gaps = silt.store->gaps(info.ref).value();
    for (const store::Gap& gap : gaps) lost += static_cast<std::uint64_t>(std::atoll(gap.cause.c_str()));
  }
  std::printf("%-40s %10llu of %d stored, %llu told as lost (sent in %.2f s)\n", "silt, syslog by udp, a flood", static_cast<unsigned long long>(stored), records,
              static_cast<unsigned long long>(lost), sent_s);
  silt.intake.stop();
}

std::unique_ptr<connectors::Connector> syslog_on(const char* kind, std::uint16_t port, const SystemClock& clock) {
  connectors::SyslogOptions options;
  options.listen = {{kind, "127.0.0.1", port}};
  options.collector.input = "net";
  options.collector.zone = [](std::int64_t) { return 0; };
  return connectors::make_syslog_connector(std::move(options), clock);
}

std::unique_ptr<connectors::Connector> otlp_on(std::uint16_t port, const SystemClock& clock) {
  connectors::OtlpOptions options;
  options.listen = {{"grpc", "127.0.0.1", port}};
  options.receiver.input = "net";
  return connectors::make_otlp_connector(std::move(options), clock);
}

class NoWaiter final : public connectors::Waiter {
 public:
  void wait(int, std::chrono::milliseconds, std::function<void()>) override {}
};

void read_journal(const std::string& directory, int records) {
  const SystemClock clock;
  NoWaiter waiter;
  connectors::JournaldOptions options;
  options.input = "journal";
  options.place.directory = directory;
  connectors::JournaldConnector connector(options, clock, waiter);
  SILT_CHECK(connector.resume({}).is_ok());
  const double cpu_before = own_cpu_seconds();
  const auto start = Clock::now();
  connectors::Batch batch;
  int read = 0;
  for (bool more = true; more;) {
    more = connector.poll({}, batch).value();
    read += static_cast<int>(batch.records);
    connector.confirm();
  }
  SILT_CHECK(read == records);
  report("silt, journald to records", records, own_cpu_seconds() - cpu_before, seconds_since(start));
}

// --- rivals ------------------------------------------------------------------------------------------

pid_t start_quiet(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& each : command) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

double end_of(pid_t child) {
  rusage usage{};
  int status = 0;
  ::wait4(child, &status, 0, &usage);
  return cpu_seconds(usage);
}

void rsyslog(int records) {
  if (!fs::exists(kRsyslogd)) return void(std::printf("rsyslogd is not installed\n"));
  const TempFolder folder;
  const std::uint16_t port = free_port();
  std::ofstream(folder.path("conf")) << "global(workDirectory=\"" << folder.path("") << "\")\nmodule(load=\"imtcp\")\n"
                                     << "template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n"
                                     << "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"" << port << "\" ruleset=\"bench\")\n"
                                     << "ruleset(name=\"bench\") { action(type=\"omfile\" file=\"" << folder.path("out") << "\" template=\"raw\") }\n";
  std::uint64_t bytes = 0;
  for (int i = 0; i < records; ++i) bytes += syslog_line(i).size();
  const pid_t child = start_quiet({kRsyslogd, "-n", "-f", folder.path("conf"), "-iNONE"});
  ::close(connect_to(port));
  const auto start = Clock::now();
  const pid_t sender = start_sender("syslog", port, records);
  std::error_code missing;
  while (seconds_since(start) < 120 && (fs::file_size(folder.path("out"), missing) < bytes || missing)) ::usleep(5'000);
  const double wall_s = seconds_since(start);
  ::kill(child, SIGTERM);
  report("rsyslogd, imtcp to omfile", records, end_of(child), wall_s);
  ::waitpid(sender, nullptr, 0);
}

bool make_journal(const TempFolder& folder, int records) {
  if (!fs::exists(kJournalRemote)) return false;
  fs::create_directory(folder.path("journal"));
  std::ofstream out(folder.path("export"));
  for (int i = 0; i < records; ++i) {
    out << "__REALTIME_TIMESTAMP=" << 1'796'058'000'000'000 + i * 1000ll << "\n__MONOTONIC_TIMESTAMP=" << 1'000'000 + i * 1000ll
        << "\n_BOOT_ID=11111111111111111111111111111111\nPRIORITY=6\nSYSLOG_FACILITY=4\nSYSLOG_IDENTIFIER=sshd\n_PID=" << 800 + i % 50
        << "\n_UID=0\n_GID=0\n_COMM=sshd\n_EXE=/usr/sbin/sshd\n_CMDLINE=sshd: [accepted]\n_SYSTEMD_CGROUP=/system.slice/ssh.service\n_SYSTEMD_UNIT=ssh.service"
        << "\n_SYSTEMD_SLICE=system.slice\n_HOSTNAME=db3\n_TRANSPORT=syslog\nMESSAGE=" << message(i) << "\n\n";
  }
  out.close();
  return ::waitpid(start_quiet({kJournalRemote, "--output=" + folder.path("journal/system.journal"), folder.path("export")}), nullptr, 0) > 0;
}

void journals(int records) {
  const TempFolder folder;
  if (!make_journal(folder, records)) return void(std::printf("systemd-journal-remote is not installed\n"));
  read_journal(folder.path("journal"), records);
  const auto start = Clock::now();
  const pid_t child = start_quiet({"/usr/bin/journalctl", "-o", "json", "--directory=" + folder.path("journal")});
  const double cpu_s = end_of(child);
  report("journalctl -o json", records, cpu_s, seconds_since(start));
}

void measure(const std::string& only, int records) {
  const SystemClock clock;
  const auto wanted = [&](const char* part) { return only.empty() || only == part; };
  if (wanted("tcp")) {
    const std::uint16_t port = free_port();
    into_store("silt, syslog by tcp to the store", "syslog", port, records, syslog_on("tcp", port, clock));
    rsyslog(records);
  }
  if (wanted("udp")) {
    const std::uint16_t port = free_port();
    datagrams_into_store(port, records, syslog_on("udp", port, clock));
  }
  if (wanted("otlp")) {
    const std::uint16_t port = free_port();
    into_store("silt, OTLP by gRPC to the store", "otlp", port, records, otlp_on(port, clock));
  }
  if (wanted("journald")) journals(records);
}

}  // namespace
}  // namespace silt

// inputs [RECORDS [tcp|udp|otlp|journald]]
int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "--send") == 0) {
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[3]));
    const std::string kind = argv[2];
    (kind == "otlp" ? silt::send_otlp : kind == "udp" ? silt::send_datagrams : silt::send_syslog)(port, std::atoi(argv[4]));
    return 0;
  }
  silt::log::set_level(silt::log::Level::kWarning);
  silt::measure(argc > 2 ? argv[2] : "", argc > 1 ? std::atoi(argv[1]) : 200'000);
  return 0;
}
