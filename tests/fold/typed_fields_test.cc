// Fields by table: what a line says, with types and measures.
#include "daemon/fold/typed_fields.h"

#include <gtest/gtest.h>

namespace silt::fold {
namespace {

std::string fields(std::string_view line) {
  ScannedLine scanned;
  scan_line(line, scanned);
  FieldReader reader;
  std::string out;
  std::uint32_t end = 0;
  for (const TypedField& field : reader.read(scanned)) {
    EXPECT_LE(end, field.begin) << line;
    end = field.end;
    if (!out.empty()) out += '|';
    out.append(field.name).append(":").append(field_type_name(field.type)).append("=");
    out.append(line.substr(field.begin, field.end - field.begin));
  }
  return out;
}

struct Case {
  const char* line;
  const char* fields;
};

TEST(TypedFields, OfEveryLayout) {
  const Case cases[] = {
      // Access logs, by their shape.
      {"10.0.0.7 - otto [21/Nov/2026:20:54:35 +0100] \"GET /a?b=c HTTP/1.1\" 404 512",
       "client:ip=10.0.0.7|user:user=otto|time:time=21/Nov/2026:20:54:35 "
       "+0100|method:text=GET|path:path=/a?b=c|"
       "protocol:text=HTTP/1.1|status:status=404|bytes:size=512"},
      {"web1.example.org:443 10.0.0.7 - - [21/Nov/2026:20:54:35 +0100] \"POST /x HTTP/2.0\" 200 - "
       "\"https://a.example/\" \"Agent/1.0 (b)\"",
       "vhost:host=web1.example.org:443|client:ip=10.0.0.7|time:time=21/Nov/2026:20:54:35 "
       "+0100|method:text=POST|"
       "path:path=/x|protocol:text=HTTP/2.0|status:status=200|referrer:url=https://a.example/"
       "|agent:text=Agent/1.0 (b)"},
      // Syslog, klog, log4j.
      {"Nov 21 20:54:35 quartz sshd[412]: Failed password for invalid user bob from 10.0.0.9 port 22 ssh2",
       "time:time=Nov 21 "
       "20:54:35|host:host=quartz|program:text=sshd|pid:integer=412|user:user=bob|ip:ip=10.0.0.9"},
      {"E1121 20:54:35.123456       7 gate.go:12] took=1.5s retries=3",
       "severity:text=E|time:time=1121 "
       "20:54:35.123456|component:text=gate.go|took:duration=1.5s|retries:integer=3"},
      {"2026-11-21 20:54:35,978 ERROR [main] org.a.App: load=12.5% heap=512MB",
       "time:time=2026-11-21 20:54:35,978|severity:text=ERROR|thread:text=main|component:text=org.a.App|"
       "load:percent=12.5%|heap:size=512MB"},
      // logfmt and JSON.
      {"ts=2026-11-21T20:54:35Z level=info status=503 duration_ms=12 bytes=77 url=http://a/b ratio=0.25 "
       "id=7f3a9c",
       "time:time=2026-11-21T20:54:35Z|severity:text=info|status:status=503|duration_ms:duration=12|bytes:size="
       "77|"
       "url:url=http://a/b|ratio:decimal=0.25|id:hex=7f3a9c"},
      {"{\"time\":\"2026-11-21T20:54:35Z\",\"user\":\"anna\",\"host\":\"db3\",\"path\":\"/srv/x\",\"n\":-4}",
       "time:time=2026-11-21T20:54:35Z|user:user=anna|host:host=db3|path:path=/srv/x|n:integer=-4"},
      // Nested objects by their paths, elements of arrays by that of the array; also behind a head.
      {"{\"log\":{\"level\":\"warn\"},\"http\":{\"request\":{\"method\":\"GET\"},\"status\":503,\"took_ms\":1.5},"
       "\"tags\":[\"a\",\"b\"],\"none\":null,\"ok\":true}",
       "severity:text=warn|http.request.method:text=GET|http.status:status=503|http.took_ms:duration=1.5|"
       "tags:text=a|tags:text=b|ok:text=true"},
      {"Nov 21 20:54:35 quartz app[4]: @cee: {\"a\": {\"b c\": {\"d\": 7}}}",
       "time:time=Nov 21 20:54:35|host:host=quartz|program:text=app|pid:integer=4|a.b c.d:integer=7"},
      {"[Thu Jun 09 06:07:04.123456 2005] [core:notice] [pid 42:tid 7] AH00094: x",
       "time:time=Thu Jun 09 06:07:04.123456 2005|component:text=core|severity:text=notice"},
      {"2026-11-21T20:54:35.123Z\tINFO\tcontroller\tStarting workers",
       "time:time=2026-11-21T20:54:35.123Z|severity:text=INFO|component:text=controller"},
      {"[2026-11-21T20:54:35,123][WARN ][o.e.c.r.a.DiskMonitor] [node-1] high",
       "time:time=2026-11-21T20:54:35,123|severity:text=WARN|component:text=o.e.c.r.a.DiskMonitor"},
      {"2026-11-21 20:54:35.123  INFO 1 --- [           main] c.e.demo.App      : Started",
       "time:time=2026-11-21 20:54:35.123|severity:text=INFO|thread:text=main|component:text=c.e.demo.App"},
      {"type=AVC msg=audit(1700000000.123:45): avc: denied",
       "type:text=AVC|time:time=1700000000.123"},
      // No JSON after all: keys and values where they stand.
      {"{\"user\":\"anna\",\"took\": 5ms", "user:user=anna|took:duration=5ms"},
      // Values that go on over blanks.
      {"Nov 21 20:54:35 quartz sudo: anna : TTY=pts/0 ; PWD=/srv ; COMMAND=/bin/systemctl restart web",
       "time:time=Nov 21 20:54:35|host:host=quartz|program:text=sudo|TTY:text=pts/0|PWD:path=/srv|"
       "COMMAND:text=/bin/systemctl restart web"},
      // A part of a program behind its message, and one with the line of its code.
      {"[2026-11-21 20:54:35,978] INFO Rolled new segment (kafka.log.Log)",
       "time:time=2026-11-21 20:54:35,978|severity:text=INFO|component:text=kafka.log.Log"},
      {"2026-11-21 20:54:35,978 WARN a.c.UserController#43 refused",
       "time:time=2026-11-21 20:54:35,978|severity:text=WARN|component:text=a.c.UserController"},
  };
  for (const Case& one : cases) EXPECT_EQ(fields(one.line), one.fields) << one.line;
}

TEST(TypedFields, UnitsAreThoseOfTheValueOrOfTheName) {
  const auto unit = [](std::string_view name, std::string_view value) {
    return unit_of(name, value, field_type_of(name, value, TokenKind::kWord));
  };
  EXPECT_EQ(unit("took", "12ms"), "ms");
  EXPECT_EQ(unit("took_ms", "12"), "ms");
  EXPECT_EQ(unit("durationSeconds", "12"), "Seconds");
  EXPECT_EQ(unit("heap", "64 KiB"), "KiB");
  EXPECT_EQ(unit("resp_bytes", "12"), "bytes");
  EXPECT_EQ(unit("load", "12%"), "%");
  EXPECT_EQ(unit("count", "12"), "");
}

TEST(TypedFields, DeepOrLongJsonIsBounded) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "{\"a\":";
  fields(deep + "1" + std::string(5000, '}'));
  const std::string key(400, 'k');
  const std::string line = "{\"" + key + "\":{\"" + key + "\":{\"b\":1}}}";
  ScannedLine scanned;
  scan_line(line, scanned);
  FieldReader reader;
  ASSERT_EQ(reader.read(scanned).size(), 1U);
  EXPECT_EQ(reader.read(scanned)[0].name.size(), kMaxJsonPathBytes);
}

TEST(TypedFields, Measures) {
  struct Measure {
    const char* name;
    const char* value;
    const char* type;
    double number;
  };
  const Measure measures[] = {{"x", "12", "integer", 12},
                              {"x", "-1.5", "decimal", -1.5},
                              {"x", "1e3", "decimal", 1000},
                              {"took", "1h2m3.5s", "duration", 3723.5},
                              {"took", "250us", "duration", 250e-6},
                              {"latencyMs", "20", "duration", 0.02},
                              {"wait_seconds", "3", "duration", 3},
                              {"x", "64KiB", "size", 65536},
                              {"heap", "2m", "size", 2 * 1024 * 1024},
                              {"x", "1.5 GB", "size", 1.5 * 1024 * 1024 * 1024},
                              {"x", "99.5%", "percent", 99.5},
                              {"status", "200", "status", 200},
                              {"status", "2000", "integer", 2000},
                              {"resp_bytes", "10", "size", 10}};
  for (const Measure& one : measures) {
    const FieldType type = field_type_of(one.name, one.value, TokenKind::kWord);
    EXPECT_EQ(field_type_name(type), one.type) << one.name << "=" << one.value;
    const auto measure = measure_of(one.name, one.value, type);
    ASSERT_TRUE(measure) << one.name << "=" << one.value;
    EXPECT_DOUBLE_EQ(*measure, one.number) << one.name << "=" << one.value;
  }
  EXPECT_FALSE(measure_of("x", "abc", FieldType::kText));
  EXPECT_FALSE(measure_of("x", "12 apples", FieldType::kDuration));
}

TEST(TypedFields, AnyBytes) {
  for (const std::string_view line :
       {"", "[", "\"", "= = =", "a - b [21/Nov/2026:20:54:35 +0100] \"", "x [21/Nov/2026:20:54:35] \"GET", "{}", "{\"a\"}", "{\"a\":[1,}", "{\"a\\", "{\"\":1}", "x {\"a\":1}}",
        "1 - - [21/Nov/2026:20:54:35 +0100] \"GET / HTTP/1.1\" 200", "a=\\", "%", "a=%"})
    fields(line);
}

}  // namespace
}  // namespace silt::fold
