// Which lines are one record, and how a tailed file keeps to it.
#include <gtest/gtest.h>

#include "connectors/record_cutter.h"
#include "connectors/record_rules.h"
#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

std::vector<std::string> cut(const std::string& text, const RecordRules& rules = *RecordRules::usual()) {
  RecordCutter cutter(text, &rules, 64 * 1024);
  std::vector<std::string> out;
  RecordCutter::Cut found;
  while (cutter.next(found) || cutter.last(found)) out.emplace_back(found.text);
  return out;
}

struct OneRecord {
  const char* name;
  const char* text;
};

const OneRecord kRecords[] = {
    {"java",
     "2024-05-01 12:00:00,123 ERROR [main] c.e.App - failed\njava.lang.IllegalStateException: no\n"
     "\tat com.e.App.run(App.java:12)\n\tat com.e.App.main(App.java:3)\nCaused by: java.io.IOException: "
     "disk\n"
     "\tat com.e.Disk.read(Disk.java:77)\n\t... 12 more\n"},
    {"java without a logger",
     "Exception in thread \"main\" java.lang.RuntimeException: x\n\tat a.b.C.d(C.java:1)\n"
     "\tSuppressed: java.io.IOException\n\t\tat a.B.c(B.java:2)\n"},
    {"python",
     "2024-05-01 12:00:00 ERROR root: oh\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n"
     "    g()\nValueError: bad\n\nDuring handling of the above exception, another exception occurred:\n\n"
     "Traceback (most recent call last):\n  File \"a.py\", line 9, in h\n    raise KeyError(1) from "
     "e\nKeyError: 1\n"},
    {"python alone",
     "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nTypeError: no\n"},
    {"go",
     "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.f(0x1, "
     "{0x2, 0x3})\n"
     "\t/src/main.go:8 +0x1d\nmain.main()\n\t/src/main.go:3 +0x20\nexit status 2\n"},
    {"go server",
     "2024/05/01 12:00:00 http: panic serving 10.0.0.1:4711: boom\ngoroutine 34 [running]:\n"
     "net/http.(*conn).serve.func1()\n\t/usr/go/server.go:1868 +0xb9\ncreated by net/http.(*Server).Serve\n"
     "\t/usr/go/server.go:3086 +0x5cb\n"},
    {"node",
     "/srv/app.js:3\n    throw new Error('x');\n    ^\n\nError: x\n    at Object.<anonymous> "
     "(/srv/app.js:3:11)\n"
     "    at node:internal/main:22:47 {\n  code: 'ENOENT'\n}\n\nNode.js v18.0.0\n"},
    {".net",
     "Unhandled exception. System.InvalidOperationException: no\n ---> System.IO.IOException: disk\n"
     "   at App.Disk.Read() in /src/Disk.cs:line 7\n   --- End of inner exception stack trace ---\n"
     "   at App.Program.Main() in /src/Program.cs:line 3\n--- End of stack trace from previous location ---\n"
     "   at App.Later()\n"},
    {"ruby",
     "app.rb:12:in `fetch': no such thing (KeyError)\n\tfrom app.rb:8:in `call'\n\tfrom app.rb:3:in "
     "`<main>'\n"},
    {"rails",
     "E, [2024-05-01T12:00:00.1 #77] ERROR -- : RuntimeError (boom):\napp/models/user.rb:12:in `save'\n"
     "app/controllers/users.rb:3:in `create'\n"},
    {"php",
     "[01-May-2024 12:00:00 UTC] PHP Fatal error:  Uncaught Exception: x in /srv/a.php:3\nStack trace:\n"
     "#0 /srv/a.php(7): f()\n#1 {main}\n  thrown in /srv/a.php on line 3\n"},
    {"rust",
     "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1` for "
     "it\n"},
    {"json", "{\n  \"level\": \"error\",\n  \"at\": [\n    1,\n    2\n  ]\n}\n"},
    {"json, not indented",
     "{\n\"level\": \"error\",\n\"text\": \"a } in it\",\n\"more\": {\n\"a\": 1\n}\n}\n"},
    {"json behind a head", "2024-05-01 12:00:00 INFO body: {\n  \"a\": 1\n}\n"},
    {"indented", "2024-05-01 12:00:00 LOG: statement: select\n\t*\n\tfrom t\n\twhere day > '2024-01-01'\n"},
    {"oops",
     "[  100.000001] BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
     "[  100.000002] #PF: supervisor read access in kernel mode\n[  100.000003] PGD 0 P4D 0 \n"
     "[  100.000004] Oops: 0000 [#1] PREEMPT SMP\n[  100.000005] CPU: 1 PID: 77 Comm: x Not tainted 6.1.0\n"
     "[  100.000006] RIP: 0010:f+0x12/0x40 [mod]\n[  100.000007] Code: 00 11 22\n[  100.000008] RAX: "
     "0000000000000000\n"
     "[  100.000009] Call Trace:\n[  100.000010]  <TASK>\n[  100.000011]  ? g+0x1/0x2\n[  100.000012]  "
     "h+0x3/0x4\n"
     "[  100.000013]  </TASK>\n[  100.000014] ---[ end trace 0000000000000000 ]---\n[  100.000015] RIP: "
     "0010:f+0x12/0x40\n"},
    {"oops without times",
     "BUG: unable to handle page fault for address: ffff\n#PF: error_code(0x0002) - not-present page\n"
     "Oops: 0002 [#1] SMP\nRIP: 0010:f+0x12/0x40\nCall Trace:\n f+0x1/0x2\n g+0x3/0x4\n---[ end trace 1 "
     "]---\n"},
    {"warning in syslog",
     "May  1 12:00:00 db kernel: [  7.000001] ------------[ cut here ]------------\n"
     "May  1 12:00:00 db kernel: [  7.000002] WARNING: CPU: 0 PID: 1 at x.c:7 f+0x1/0x2\n"
     "May  1 12:00:00 db kernel: [  7.000003] Modules linked in: a b\n"
     "May  1 12:00:00 db kernel: [  7.000004] Call Trace:\nMay  1 12:00:00 db kernel: [  7.000005]  "
     "f+0x1/0x2\n"
     "May  1 12:00:00 db kernel: [  7.000006] ---[ end trace 1234 ]---\n"},
    {"warning in syslog, without the kernel's own times",
     "May  1 12:00:00 db kernel: ------------[ cut here ]------------\n"
     "May  1 12:00:00 db kernel: counter: saturated; leaking memory.\n"
     "May  1 12:00:00 db kernel: WARNING: CPU: 0 PID: 1 at x.c:7 f+0x1/0x2\n"
     "May  1 12:00:01 db kernel: Modules linked in: a b\nMay  1 12:00:01 db kernel: something of its own\n"
     "May  1 12:00:01 db kernel: Call Trace:\nMay  1 12:00:02 db kernel: [<c0ffee00>] (f) from [<c0ffee01>] (g)\n"
     "May  1 12:00:02 db kernel: ---[ end trace 1234 ]---\n"},
    {"use after free, each line with a time of its own",
     "[  100.000000] ==================================================================\n"
     "[  100.300000] BUG: KASAN: use-after-free in f+0x1/0x2\n[  100.600000] Read of size 8 at addr ffff by task x/1\n"
     "[  100.900000] \n[  101.200000] an unknown line\n[  101.500000] Call Trace:\n[  101.800000]  f+0x1/0x2\n"
     "[  102.100000] ==================================================================\n"},
    {"locks, without times",
     "======================================================\nWARNING: possible circular locking dependency detected\n"
     "6.1.0 #1 Not tainted\n------------------------------------------------------\nx/77 is trying to acquire lock:\n"
     "ffff888 (&a->lock){+.+.}-{3:3}, at: f+0x1/0x2\n\nbut task is already holding lock:\n"
     "ffff999 (&b->lock){+.+.}-{3:3}, at: g+0x1/0x2\n\nwhich lock already depends on the new lock.\n\n"
     "stack backtrace:\nCPU: 0 PID: 77 Comm: x Not tainted 6.1.0 #1\n f+0x1/0x2\n"},
};

TEST(Joining, StackTracesAndTheirLikeAreOneRecordBetweenOthers) {
  for (const OneRecord& one : kRecords) {
    std::string text = one.text;
    // The same kind of line before and behind it, as in a log.
    const std::string before = "2024-05-01 11:59:59 INFO started\n",
                      behind = "2024-05-01 12:00:01 INFO going on\n";
    std::string whole = text;
    whole.pop_back();
    const std::vector<std::string> want = {before.substr(0, before.size() - 1), whole,
                                           behind.substr(0, behind.size() - 1)};
    // A traceback without a logger's line of its own belongs to the line before it.
    if (!text.starts_with("Traceback")) {
      EXPECT_EQ(cut(before + text + behind), want) << one.name;
    }
    EXPECT_EQ(cut(text), std::vector<std::string>{whole}) << one.name;
    EXPECT_EQ(cut(text + text).size(), 2u) << one.name << " twice";
  }
}

TEST(Joining, WhatFollowsAKernelReportIsNoPartOfIt) {
  const std::string report = "May  1 12:00:00 db kernel: INFO: task x:77 blocked for more than 120 seconds.\n"
                             "May  1 12:00:00 db kernel:       Not tainted 6.1.0\nMay  1 12:00:00 db kernel: Call Trace:\n"
                             "May  1 12:00:00 db kernel:  f+0x1/0x2\n";
  EXPECT_EQ(cut(report + "May  1 12:00:09 db kernel: usb 1-1: new device\n").size(), 2u) << "a while later";
  EXPECT_EQ(cut(report + "May  1 12:00:00 db sshd[7]: Accepted publickey\n").size(), 2u) << "another program";
  EXPECT_EQ(cut(report + report).size(), 2u) << "another task";
  const std::string ended = "[    7.000001] BUG: unable to handle page fault\n[    7.000002] Oops: 0002 [#1]\n"
                            "[    7.000003] ---[ end trace 1 ]---\n";
  EXPECT_EQ(cut(ended + "[    7.000004] eth0: link up\n").size(), 2u) << "behind its end";
  EXPECT_EQ(cut(ended + "[    7.000004] Kernel panic - not syncing: Fatal exception\n").size(), 1u);
  const std::string bare = "BUG: our own word\n";
  EXPECT_EQ(cut(bare + "and a line\nand another\n").size(), 3u) << "no report";
}

TEST(Joining, TheRestOfAReportThatWasCutInTwoIsOneRecord) {
  const std::string text = "[    7.000001] BUG: unable to handle page fault\n[    7.000002] Call Trace:\n"
                           "a program writes to the console, too\n[    7.000003]  f+0x1/0x2\n[    7.000004]  g+0x3/0x4\n"
                           "[    7.000005] RAX: 0000000000000000 RBX: 0000000000000001\n[    7.000006] eth0: link up\n";
  const auto records = cut(text);
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[2], "[    7.000003]  f+0x1/0x2\n[    7.000004]  g+0x3/0x4\n"
                        "[    7.000005] RAX: 0000000000000000 RBX: 0000000000000001");
}

TEST(Joining, OrdinaryLinesStayAlone) {
  const std::vector<std::string> lines = {"Jan  1 00:00:00 host sshd[1]: Failed password",
                                          "081109 203615 148 INFO dfs.DataNode: x",
                                          "plain words",
                                          "",
                                          "- 1117838570 2005.06.03 R02 RAS KERNEL INFO x",
                                          "{\"a\": 1}",
                                          "{\"b\": 2}",
                                          "10.0.0.1 - - [01/May/2024] x",
                                          "level=info msg=x",
                                          "[  1.000000] Linux version",
                                          "[  1.000001]  indented by the kernel",
                                          "plain",
                                          "Error: x",
                                          "ValueError: y",
                                          "at last it works",
                                          "from the beginning",
                                          "<34>1 2024 x",
                                          "#1 in a list",
                                          "}",
                                          "main.f()",
                                          "key:",
                                          "value",
                                          "2024-05-01 12:00:00 says {\"a\": 1}",
                                          "-----",
                                          "Traceback of nothing"};
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_EQ(cut(text), lines);
}

TEST(Joining, ARecordOfManyLinesIsCutAtTheLimitsAndNothingIsDropped) {
  std::string text = "2024-05-01 12:00:00 ERROR x\n";
  for (int i = 0; i < 1200; ++i) text += "\tat a.B.c(B.java:" + std::to_string(i) + ")\n";
  RecordCutter cutter(text, RecordRules::usual().get(), 64 * 1024);
  RecordCutter::Cut found;
  std::string together;
  std::vector<bool> marks;
  while (cutter.next(found) || cutter.last(found)) {
    EXPECT_LE(static_cast<std::size_t>(std::count(found.text.begin(), found.text.end(), '\n')) + 1,
              kJoinedLinesMax);
    together.append(found.text).append("\n");
    marks.push_back(found.goes_on);
  }
  EXPECT_EQ(together, text);
  EXPECT_EQ(marks, (std::vector<bool>{true, true, false}));
  std::string many = "begin\n";
  for (int i = 0; i < 40; ++i) many += std::string(40, ' ') + std::string(60'000, 'x') + "\n";
  for (const std::string& record : cut(many)) EXPECT_LE(record.size(), kJoinedBytesMax);
  EXPECT_EQ(cut(many).size(), 3u) << "1 MiB, 1 MiB and the rest";
}

TEST(Joining, ExpressionsOfPeopleDecide) {
  const auto start = RecordRules::by_expression(RecordRules::Kind::kStart, "^BEGIN");
  const auto goes_on = RecordRules::by_expression(RecordRules::Kind::kContinue, "^\\+ ");
  ASSERT_TRUE(start.is_ok() && goes_on.is_ok());
  EXPECT_EQ(cut("BEGIN 1\na\n2024-01-01 00:00:00 b\nBEGIN 2\n", **start),
            (std::vector<std::string>{"BEGIN 1\na\n2024-01-01 00:00:00 b", "BEGIN 2"}));
  EXPECT_EQ(cut("a\n+ b\n  c\n+ d\n", **goes_on), (std::vector<std::string>{"a\n+ b", "  c\n+ d"}));
  const auto bad = RecordRules::by_expression(RecordRules::Kind::kStart, "(?=x)");
  ASSERT_FALSE(bad.is_ok());
  EXPECT_NE(bad.status().message().find("RE2"), std::string::npos);
}

class JoiningTest : public TailTest {
 protected:
  JoiningTest() { options.rules = RecordRules::usual(); }
};

TEST_F(JoiningTest, TheLastRecordWaitsForMoreAndIsFlushedWhenNoneComes) {
  start();
  append("a.log", "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n");
  drain();
  EXPECT_TRUE(texts().empty());
  pass_ms(900);
  append("a.log", "\tat a.B.d(B.java:2)\n");
  reconcile();
  pass_ms(900);
  EXPECT_TRUE(texts().empty()) << "it grew meanwhile";
  pass_ms(200);
  EXPECT_EQ(texts(), (std::vector<std::string>{
                         "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)"}));
  append("a.log", "2024-05-01 12:00:01 INFO two\n2024-05-01 12:00:02 INFO three\n");
  reconcile();
  EXPECT_EQ(texts().size(), 2u) << "what another line follows is whole at once";
  pass_ms(1100);
  EXPECT_EQ(texts().size(), 3u);
  EXPECT_EQ(journal.records[0].origin.begin, 0u);
  EXPECT_EQ(journal.records[1].origin.begin, journal.records[0].origin.end + 1);
}

TEST_F(JoiningTest, ARestartReadsTheOpenRecordAgain) {
  start();
  append("a.log", "2024-05-01 12:00:00 INFO zero\n2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n");
  drain();
  EXPECT_EQ(texts().size(), 1u);
  stop();
  append("a.log", "\tat a.B.d(B.java:2)\n");
  start();
  drain();
  pass_ms(1100);
  EXPECT_EQ(texts(), (std::vector<std::string>{
                         "2024-05-01 12:00:00 INFO zero",
                         "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)"}));
}

TEST_F(JoiningTest, LinesThatWaitedSurviveATruncation) {
  start();
  append("a.log", "2024-05-01 12:00:00 INFO zero\n2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n");
  drain();
  truncate("a.log");
  append("a.log", "2024-05-01 12:00:05 INFO new\n");
  reconcile();
  pass_ms(1100);
  EXPECT_EQ(texts(), (std::vector<std::string>{"2024-05-01 12:00:00 INFO zero",
                                               "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)",
                                               "2024-05-01 12:00:05 INFO new"}));
  EXPECT_TRUE(gaps().empty());
}

TEST_F(JoiningTest, ARotatedFileEndsBeforeTheNextOneBegins) {
  start();
  append("a.log", "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n");
  drain();
  rename("a.log", "a.log.1");
  append("a.log", "2024-05-01 12:00:05 INFO new\n2024-05-01 12:00:06 INFO newer\n");
  reconcile();
  EXPECT_TRUE(texts().empty());
  pass_ms(1100);
  pass_ms(1100);
  EXPECT_EQ(texts(),
            (std::vector<std::string>{"2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)",
                                      "2024-05-01 12:00:05 INFO new", "2024-05-01 12:00:06 INFO newer"}));
}

TEST_F(JoiningTest, ABatchThatWasNotStoredComesAgainTheSame) {
  start();
  append("a.log", "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)\n2024-05-01 12:00:01 INFO two\n");
  Batch lost;
  poll(lost);
  EXPECT_EQ(lost.records, 1u);
  Batch again;
  poll(again);
  ASSERT_EQ(again.records, 1u);
  EXPECT_EQ(again.streams[0].records[0].text, "2024-05-01 12:00:00 ERROR one\n\tat a.B.c(B.java:1)");
}

TEST_F(JoiningTest, ARecordLongerThanABatchIsWhole) {
  limits.batch_bytes_max = 4096;
  limits.record_bytes_max = 1024;
  start();
  std::string record = "2024-05-01 12:00:00 ERROR one";
  for (int i = 0; i < 400; ++i)
    record += "\n\tat a.B.c(B.java:" + std::to_string(i) + ") " + std::string(100, 'x');
  append("a.log", record + "\n2024-05-01 12:00:01 INFO two\n");
  drain();
  pass_ms(1100);
  EXPECT_EQ(texts(), (std::vector<std::string>{record, "2024-05-01 12:00:01 INFO two"}));
}

}  // namespace
}  // namespace silt::connectors
