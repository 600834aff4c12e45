// Logs of containers: envelopes, parts of lines, whose they are, and pods that come and go.
#include "connectors/container/container_cutter.h"
#include "connectors/container/container_line.h"
#include "connectors/container/container_name.h"
#include "tests/connectors/kubelet.h"

#ifndef SILT_KUBELET_STEPS
#define SILT_KUBELET_STEPS 1500
#define SILT_KUBELET_PODS 20
#endif

namespace silt::connectors {
namespace {

constexpr char kId[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

std::string cri(const std::string& stream, const std::string& tag, const std::string& text) {
  return "2026-11-21T18:54:31.250000000Z " + stream + " " + tag + " " + text + "\n";
}

TEST(ContainerLine, IsReadInBothEnvelopes) {
  Arena arena;
  const auto docker = parse_container_line(R"({"log":"a \"b\"\u00e9\n","stream":"stderr","attrs":{"tag":"x"},"time":"2026-11-21T18:54:31.25Z"})", arena);
  ASSERT_TRUE(docker);
  EXPECT_EQ(docker->text, "a \"b\"\u00e9");
  EXPECT_EQ(docker->stream, "stderr");
  EXPECT_EQ(docker->time_us, 1'795'287'271'250'000);
  EXPECT_FALSE(docker->goes_on);
  EXPECT_TRUE(parse_container_line(R"({"log":"a","stream":"stdout","time":"2026-11-21T18:54:31Z"})", arena)->goes_on);
  const auto line = parse_container_line("2026-11-21T19:54:31.25+01:00 stdout P:x  two words ", arena);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text, " two words ");
  EXPECT_EQ(line->time_us, 1'795'287'271'250'000);
  EXPECT_TRUE(line->goes_on);
  EXPECT_EQ(parse_container_line("2026-11-21T18:54:31Z stdout F", arena)->text, "");
  for (const std::string_view bad : {"", "plain text", "2026-11-21T18:54:31Z stdout X a", "2026-11-21T18:54:31Z stdin F a", "{\"log\":1}", "{\"log\":\"a\"}", "{"})
    EXPECT_FALSE(parse_container_line(bad, arena)) << bad;
}

TEST(ContainerName, IsInThePath) {
  const ContainerName pod = container_of("/var/log/pods/prod_cart-7d9c5b9f4-x2x5z_0a1b/web/0.log");
  EXPECT_EQ(pod.space, "prod");
  EXPECT_EQ(pod.pod, "cart-7d9c5b9f4-x2x5z");
  EXPECT_EQ(pod.container, "web");
  EXPECT_EQ(pod.source(), "prod/cart/web");
  EXPECT_EQ(container_of(std::string("/var/log/containers/cart-0_prod_my-web-") + kId + ".log").source(), "prod/cart/my-web");
  EXPECT_EQ(container_of(std::string("/x/") + kId + "/" + kId + "-json.log").source(), "0123456789ab");
  EXPECT_EQ(container_of("/var/log/syslog.log").source(), "");
  for (const auto& [name, workload] : std::map<std::string, std::string>{{"cart-x2x5z", "cart"},
                                                                         {"backup-29405670-x2x5z", "backup"},
                                                                         {"my-cart-7d9c5b9f4-x2x5z", "my-cart"},
                                                                         {"db-12", "db"},
                                                                         {"kube-proxy", "kube-proxy"},
                                                                         {"etcd", "etcd"},
                                                                         {"-x2x5z", ""}})
    EXPECT_EQ(workload_of(name), workload) << name;
}

class ContainersTest : public TailTest {
 protected:
  ContainersTest() {
    options.include = {at("pods/*/*/*.log*"), at("docker/*/*-json.log*")};
    options.stream_name = "{container}";
    options.format = FileFormat::kContainer;
    options.rules = RecordRules::usual();
  }
  std::string pod_log() {
    std::filesystem::create_directories(at("pods/prod_cart-7d9c5b9f4-x2x5z_u/web"));
    return "pods/prod_cart-7d9c5b9f4-x2x5z_u/web/0.log";
  }
};

TEST_F(ContainersTest, PartsOfBothStreamsAreJoinedWhereverTheProcessDies) {
  const std::string log = pod_log();
  append(log, cri("stdout", "P", "one "));
  append(log, cri("stderr", "P", "ERROR two "));
  append(log, cri("stdout", "F", "half"));
  append(log, cri("stdout", "F", "ERROR three"));
  append(log, cri("stderr", "F", "halves"));
  append(log, cri("stdout", "F", "ERROR four"));
  append(log, cri("stdout", "F", "\tat a.b.C(D.java:1)"));
  limits.batch_records_max = 1;
  start();
  for (int life = 0; life < 8; ++life) {
    Batch batch;
    poll(batch);
    if (batch.records > 0 && life % 2 == 0) journal.store(batch);  // the others died before
    stop();
    start();
    clock.advance_us(2'000'000);
  }
  for (int i = 0; i < 2; ++i) pass_ms(11'000);
  EXPECT_EQ(texts(), (std::vector<std::string>{"one half", "ERROR three", "ERROR two halves", "ERROR four\n\tat a.b.C(D.java:1)"}));
  EXPECT_EQ(journal.streams[0], "prod/cart/web");
  const StoredRecord& two = journal.records[2];
  EXPECT_EQ(two.told_us, 1'795'287'271'250'000);
  EXPECT_EQ(two.attributes.at("stream"), "stderr");
  EXPECT_EQ(two.attributes.at("namespace"), "prod");
  EXPECT_EQ(two.attributes.at("pod"), "cart-7d9c5b9f4-x2x5z");
  EXPECT_EQ(two.attributes.at("container"), "web");
}

TEST_F(ContainersTest, APartWithoutItsRestIsARecordInTheEndAndHoldsNoOtherUpForLong) {
  const std::string log = pod_log();
  start();
  clock.advance_us(10'000'000'000);  // ahead of the disk's stamps: nothing is old
  append(log, cri("stdout", "P", "never ends"));
  for (int i = 0; i < 30; ++i) {
    append(log, cri("stderr", "F", "ERROR " + std::to_string(i)));
    pass_ms(1000);
  }
  EXPECT_GE(texts().size(), 15u);
  const std::vector<std::string> all = texts();
  EXPECT_EQ(std::count(all.begin(), all.end(), "never ends"), 1);
}

TEST_F(ContainersTest, DockerNamesTheContainerInItsConfiguration) {
  std::filesystem::create_directories(at(std::string("docker/") + kId));
  append(std::string("docker/") + kId + "/config.v2.json", R"({"ID":"x","Name":"/shop-db-1"})");
  append(std::string("docker/") + kId + "/" + kId + "-json.log",
         "{\"log\":\"long \",\"stream\":\"stdout\",\"time\":\"2026-11-21T18:54:31Z\"}\n{\"log\":\"line\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T18:54:31Z\"}\n"
         "no envelope\n");
  start();
  for (int i = 0; i < 2; ++i) pass_ms(11'000);
  EXPECT_EQ(texts(), (std::vector<std::string>{"long line", "no envelope"}));
  EXPECT_EQ(journal.streams[0], "shop-db-1");
  EXPECT_EQ(journal.records[0].attributes.at("container"), "shop-db-1");
}

TEST_F(ContainersTest, ALogThatWasRotatedBeforeItsPodWasSeenIsRead) {
  start();
  drain();
  const std::string log = pod_log();
  append(log, cri("stdout", "F", "first"));
  rename(log, log + ".20261130-100000");
  append(log, cri("stdout", "F", "second"));
  for (int i = 0; i < 3; ++i) pass_ms(31'000);
  const std::vector<std::string> all = texts();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()), (std::set<std::string>{"first", "second"}));
  EXPECT_EQ(all.size(), 2u);
}

TEST_F(ContainersTest, PodsComeAndGoAndNothingIsLostWithoutAGapOrReadTwice) {
  options.rules = nullptr;
  Kubelet kubelet(folder.path(), 11);
  std::mt19937_64 random(5);
  start();
  for (int step = 0; step < SILT_KUBELET_STEPS; ++step) {
    while (kubelet.pods() < SILT_KUBELET_PODS) kubelet.start_pod();
    const std::uint64_t act = random() % 100;
    if (act < 60) kubelet.write();
    else if (act < 75) kubelet.rotate();
    else if (act < 79) kubelet.stop_pod();
    else if (act < 83) kubelet.restart();
    else if (act < 84) {
      stop();
      start();
      drain();  // what is written and removed while nobody looks leaves no trace
    } else {
      pass_ms(100);
    }
  }
  reconcile();
  for (int i = 0; i < 40; ++i) pass_ms(31'000);

  std::map<std::string, int> have;  // a text says which line and which pod it is
  for (const StoredRecord& record : journal.records) {
    if ((record.flags & kRecordGap) == 0) ++have[record.attributes.at("stream") + " " + record.text];
  }
  std::set<std::string> gaps_of;  // by live names: a file that was rotated is named as it was last
  for (const StoredRecord& gap : gaps()) gaps_of.insert(gap.origin.place.substr(0, gap.origin.place.find(".log") + 4));
  int lost = 0;
  for (const Kubelet::Written& each : kubelet.written()) {
    const int times = have[each.stream + " " + each.text];
    EXPECT_LE(times, 1) << each.text;
    lost += times == 0 ? 1 : 0;
    EXPECT_TRUE(times == 1 || gaps_of.contains(each.live_path)) << each.text << " of " << each.live_path << " is lost without a gap";
  }
  EXPECT_LT(lost, static_cast<int>(kubelet.written().size()) / 20);
  RecordProperty("written", static_cast<int>(kubelet.written().size()));
  RecordProperty("lost", lost);
}

}  // namespace
}  // namespace silt::connectors
