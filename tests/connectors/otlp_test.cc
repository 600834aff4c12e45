// OTLP over its three ways in, by gRPC's own client and by bytes on a socket: what becomes of records, and what peers
// are told.
#include "connectors/otlp/otlp_connector.h"

#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <set>
#include <thread>

#include "proto/otlp/v1/logs.grpc.pb.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;
namespace wire = opentelemetry::proto::collector::logs::v1;
using asio::ip::tcp;

constexpr std::uint64_t kNanos = 1'796'058'000'000'000'000;

void set(wire::KeyValue* attribute, const std::string& key, const std::string& value) {
  attribute->set_key(key);
  attribute->mutable_value()->set_string_value(value);
}

// A request with records "TEXT 0", "TEXT 1", ...
wire::ExportLogsServiceRequest request_of(const std::string& text, int count, const std::string& service = "shop") {
  wire::ExportLogsServiceRequest request;
  wire::ResourceLogs* const resource = request.add_resource_logs();
  set(resource->mutable_resource()->add_attributes(), "service.name", service);
  wire::ScopeLogs* const scope = resource->add_scope_logs();
  scope->mutable_scope()->set_name("app.orders");
  for (int i = 0; i < count; ++i) {
    wire::LogRecord* const record = scope->add_log_records();
    record->set_time_unix_nano(kNanos + static_cast<std::uint64_t>(i) * 1000);
    record->set_severity_number(17);
    record->mutable_body()->set_string_value(text + " " + std::to_string(i));
  }
  return request;
}

std::string gzip(const std::string& bytes) {
  std::string out;
  google::protobuf::io::StringOutputStream to(&out);
  google::protobuf::io::GzipOutputStream packed(&to);
  void* room = nullptr;
  int size = 0;
  std::size_t at = 0;
  while (at < bytes.size() && packed.Next(&room, &size)) {
    const std::size_t part = std::min(bytes.size() - at, static_cast<std::size_t>(size));
    std::memcpy(room, bytes.data() + at, part);
    at += part;
    packed.BackUp(size - static_cast<int>(part));
  }
  packed.Close();
  return out;
}

struct HttpAnswer {
  int status = 0;
  std::string head, body;
};

class OtlpTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override { stop_storing(); }

  void start() {
    options.listen = {{"grpc", "127.0.0.1", 0}, {"http", "127.0.0.1", 0}};
    options.receiver.input = "apps";
    connector = make_otlp_connector(options, clock);
    journal.resume(*connector);
    stub = stub_with(grpc::InsecureChannelCredentials());
    keep_storing();
  }
  std::unique_ptr<wire::LogsService::Stub> stub_with(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("server");
    return wire::LogsService::NewStub(grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(connector->endpoints()[0].port), credentials, arguments));
  }
  // As intake does, beside the test: peers wait for it.
  void keep_storing() {
    storing_ = true;
    storer_ = std::thread([this] {
      while (storing_) {
        if (!journal.take(*connector)) std::this_thread::yield();
      }
    });
  }
  void stop_storing() {
    storing_ = false;
    if (storer_.joinable()) storer_.join();
  }

  grpc::Status export_logs(const wire::ExportLogsServiceRequest& request, wire::ExportLogsServiceResponse* response = nullptr, bool packed = false) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    if (packed) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    wire::ExportLogsServiceResponse own;
    return stub->Export(&context, request, response != nullptr ? response : &own);
  }
  HttpAnswer post(const std::string& body, const std::string& type, const std::string& more = "", const std::string& target = "/v1/logs") {
    tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), connector->endpoints()[1].port});
    boost::system::error_code failed;
    asio::write(socket, asio::buffer("POST " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " + type + "\r\n" + more + "Content-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body), failed);
    std::string all;
    asio::read(socket, asio::dynamic_buffer(all), failed);
    HttpAnswer answer;
    if (all.size() > 12) answer.status = std::atoi(all.c_str() + 9);
    const std::size_t end = all.find("\r\n\r\n");
    answer.head = all.substr(0, end);
    if (end != std::string::npos) answer.body = all.substr(end + 4);
    return answer;
  }
  std::multiset<std::string> texts() const {
    std::multiset<std::string> out;
    for (const Kept& kept : journal.records) out.insert(kept.text);
    return out;
  }

  SystemClock clock;
  asio::io_context io;
  OtlpOptions options;
  std::unique_ptr<PushConnector> connector;
  std::unique_ptr<wire::LogsService::Stub> stub;
  Journal journal;  // read it after stop_storing()

 private:
  std::atomic<bool> storing_ = false;
  std::thread storer_;
};

// With certificates of its own.
class OtlpTlsTest : public OtlpTest {
 protected:
  void SetUp() override {
    const std::string made = "cd " + dir.path() + " && for who in server client stranger; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                             "-nodes -days 2 -subj /CN=$who -keyout $who.key -out $who.pem 2>/dev/null; done";
    ASSERT_EQ(std::system(made.c_str()), 0);
    options.tls = {dir.path("server.pem"), dir.path("server.key"), dir.path("client.pem")};
    start();
  }
  std::string text_of(const std::string& file) const {
    std::ifstream in(dir.path(file));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  grpc::Status export_as(const std::string& who, const std::string& text) {
    grpc::SslCredentialsOptions own;
    own.pem_root_certs = text_of("server.pem");
    if (!who.empty()) own.pem_cert_chain = text_of(who + ".pem");
    if (!who.empty()) own.pem_private_key = text_of(who + ".key");
    stub = stub_with(grpc::SslCredentials(own));
    return export_logs(request_of(text, 3));
  }
  // The status line of the answer, by HTTP.
  std::string post_as(const std::string& who, const std::string& text) {
    std::ofstream(dir.path("body")) << request_of(text, 2).SerializeAsString();
    const std::string file = dir.path("answer"), certificate = who.empty() ? "" : " -cert " + who + ".pem -key " + who + ".key";
    const std::string command = "cd " + dir.path() + " && (printf 'POST /v1/logs HTTP/1.1\\r\\nHost: server\\r\\nConnection: close\\r\\nContent-Type: application/x-protobuf\\r\\n"
                                "Content-Length: '$(stat -c %s body)'\\r\\n\\r\\n'; cat body) | openssl s_client -quiet -ign_eof -CAfile server.pem -verify_return_error -connect 127.0.0.1:" +
                                std::to_string(connector->endpoints()[1].port) + certificate + " 2>/dev/null >" + file;
    (void)!std::system(command.c_str());
    std::string line;
    std::ifstream answer(file);
    std::getline(answer, line);
    return line;
  }
  silt::testing::TempDir dir;
};

TEST_F(OtlpTlsTest, LetsInClientsWithACertificateOnlyByGrpcAndHttp) {
  EXPECT_TRUE(export_as("client", "by grpc").ok());
  EXPECT_FALSE(export_as("stranger", "of a stranger").ok());
  EXPECT_FALSE(export_as("", "of nobody").ok());
  EXPECT_EQ(post_as("client", "by http"), "HTTP/1.1 200 OK\r");
  EXPECT_EQ(post_as("stranger", "of a stranger"), "");
  EXPECT_EQ(post_as("", "of nobody"), "");
  stub = stub_with(grpc::InsecureChannelCredentials());
  EXPECT_FALSE(export_logs(request_of("plainly", 1)).ok());
  EXPECT_EQ(post(request_of("plainly", 1).SerializeAsString(), "application/x-protobuf").status, 0);
  stop_storing();
  EXPECT_EQ(texts(), (std::multiset<std::string>{"by grpc 0", "by grpc 1", "by grpc 2", "by http 0", "by http 1"}));
}

TEST_F(OtlpTest, ARecordHasAllThatWasSaidOfIt) {
  wire::ExportLogsServiceRequest request = request_of("order failed", 1);
  wire::ResourceLogs& resource = *request.mutable_resource_logs(0);
  set(resource.mutable_resource()->add_attributes(), "host.name", "web1");
  set(resource.mutable_scope_logs(0)->mutable_scope()->add_attributes(), "team", "checkout");
  wire::LogRecord& record = *resource.mutable_scope_logs(0)->mutable_log_records(0);
  record.set_trace_id(std::string(15, '\x01') + "\xff");
  record.set_span_id("\x01\x02\x03\x04\x05\x06\x07\x08");
  record.set_event_name("order.failed");
  record.add_attributes()->set_key("retries");
  record.mutable_attributes(0)->mutable_value()->set_int_value(-3);
  wire::ExportLogsServiceResponse response;
  ASSERT_TRUE(export_logs(request, &response).ok());
  EXPECT_FALSE(response.has_partial_success());
  stop_storing();
  ASSERT_EQ(journal.records.size(), 1U);
  const Kept& kept = journal.records[0];
  EXPECT_EQ(kept.text, "order failed 0");
  EXPECT_EQ(kept.told_us, static_cast<std::int64_t>(kNanos / 1000));
  EXPECT_EQ(kept.place, "otlp:shop");
  EXPECT_EQ(kept.attributes, (std::map<std::string, std::string>{{"severity", "error"}, {"trace_id", "010101010101010101010101010101ff"},
                                                                  {"span_id", "0102030405060708"}, {"event", "order.failed"}, {"retries", "-3"},
                                                                  {"service.name", "shop"}, {"host.name", "web1"}, {"scope", "app.orders"}, {"team", "checkout"}}));
}

TEST_F(OtlpTest, AllWaysInSayTheSame) {
  const std::string bytes = request_of("by bytes", 1).SerializeAsString();
  EXPECT_TRUE(export_logs(request_of("packed call", 1), nullptr, true).ok());
  EXPECT_EQ(post(bytes, "application/x-protobuf").status, 200);
  EXPECT_EQ(post(gzip(request_of("packed bytes", 1).SerializeAsString()), "application/x-protobuf", "Content-Encoding: gzip\r\n").status, 200);
  const HttpAnswer answer = post(R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[
      {"timeUnixNano":"1796058000000000000","severityNumber":9,"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","traceFlags":1,
       "body":{"kvlistValue":{"values":[{"key":"a\"","value":{"arrayValue":{"values":[{"intValue":"1"},{"boolValue":true},{"doubleValue":0.5},{}]}}}]}},"fromTheFuture":{}}]}]}]})",
                                 "application/json");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "{}");
  stop_storing();
  EXPECT_EQ(texts(), (std::multiset<std::string>{"packed call 0", "by bytes 0", "packed bytes 0", R"({"a\"":[1,true,0.5,null]})"}));
  const Kept& of_json = journal.records.back();
  EXPECT_EQ(of_json.attributes.at("trace_id"), "5b8efff798038103d269b633813fc60c");
  EXPECT_EQ(of_json.attributes.at("span_id"), "eee19b7ec3c1b174");
  EXPECT_EQ(of_json.attributes.at("severity"), "info");
}

TEST_F(OtlpTest, WhatCannotBeReadIsRefusedForGood) {
  EXPECT_EQ(post("\xff\xff\xff", "application/x-protobuf").status, 400);
  EXPECT_EQ(post("{\"resourceLogs\":[{]}", "application/json").status, 400);
  EXPECT_NE(connector->stats().last_error.find("Expected an object key or }"), std::string::npos);
  EXPECT_EQ(connector->stats().last_error.find_first_of("\n^"), std::string::npos);  // one line, and nothing of what was sent
  EXPECT_EQ(post("x", "text/plain").status, 400);
  EXPECT_EQ(post("{}", "application/json", "", "/v1/traces").status, 404);
  EXPECT_EQ(post("not gzip", "application/json", "Content-Encoding: gzip\r\n").status, 400);
  EXPECT_EQ(post("x", "application/json", "Content-Encoding: br\r\n").status, 400);
  EXPECT_EQ(post("", "application/x-protobuf").status, 200) << "an empty request is a success";
  EXPECT_NE(connector->stats().last_error.find("sent what cannot be read"), std::string::npos);
}

TEST_F(OtlpTest, BombsAndGiantsAreRefused) {
  options.receiver.request_bytes_max = 100'000;  // of HTTP
  stop_storing();
  start();
  const HttpAnswer bomb = post(gzip(std::string(10'000'000, 'x')), "application/x-protobuf", "Content-Encoding: gzip\r\n");
  EXPECT_EQ(bomb.status, 413) << bomb.body;
  EXPECT_EQ(post(std::string(100'001, 'x'), "application/x-protobuf").status, 413);
  const grpc::Status giant = export_logs(request_of(std::string(5'000'000, 'x'), 1));
  EXPECT_EQ(giant.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << giant.error_message();
  EXPECT_TRUE(giant.error_details().empty()) << "a RetryInfo would have it sent again";
  EXPECT_EQ(export_logs(request_of(std::string(5'000'000, 'x'), 1), nullptr, true).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << "however it is packed";
  EXPECT_TRUE(export_logs(request_of(std::string(4'100'000, 'y'), 1)).ok()) << "a long body is cut, not sent again for ever";
  stop_storing();
  ASSERT_EQ(journal.records.size(), 1U);
  EXPECT_TRUE(journal.records[0].text.starts_with("yyy"));
}

TEST_F(OtlpTest, RecordsThatSayNothingAreAPartialSuccess) {
  wire::ExportLogsServiceRequest request = request_of("fine", 2);
  request.mutable_resource_logs(0)->mutable_scope_logs(0)->add_log_records();
  wire::ExportLogsServiceResponse response;
  ASSERT_TRUE(export_logs(request, &response).ok());
  EXPECT_EQ(response.partial_success().rejected_log_records(), 1);
  EXPECT_FALSE(response.partial_success().error_message().empty());
  stop_storing();
  EXPECT_EQ(texts(), (std::multiset<std::string>{"fine 0", "fine 1"}));
}

TEST_F(OtlpTest, ARequestThatComesAgainIsStoredOnceAlsoAfterARestart) {
  const auto request = request_of("once", 2000);  // several deliveries
  ASSERT_TRUE(export_logs(request).ok());
  ASSERT_TRUE(export_logs(request).ok());
  EXPECT_EQ(post(gzip(request.SerializeAsString()), "application/x-protobuf", "Content-Encoding: gzip\r\n").status, 200);
  stop_storing();
  connector.reset();
  start();
  ASSERT_TRUE(export_logs(request).ok());
  stop_storing();
  EXPECT_EQ(texts().size(), 2000U);
}

TEST_F(OtlpTest, AFullInboxHasPeersTryAgain) {
  stop_storing();
  options.inbox.bytes_max = 200'000;
  options.inbox.delivery_bytes_max = 200'000;
  connector = make_otlp_connector(options, clock);
  journal.resume(*connector);
  stub = wire::LogsService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(connector->endpoints()[0].port), grpc::InsecureChannelCredentials()));
  std::vector<std::future<grpc::Status>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(std::async(std::launch::async, [this, i] { return export_logs(request_of("call " + std::to_string(i), 200)); }));
  }
  while (connector->stats().refused == 0) std::this_thread::yield();
  const HttpAnswer full = post(request_of("http", 200).SerializeAsString(), "application/x-protobuf");
  EXPECT_EQ(full.status, 503);
  EXPECT_NE(full.head.find("Retry-After: 1"), std::string::npos) << full.head;
  keep_storing();
  int taken = 0;
  for (auto& call : calls) {
    const grpc::Status status = call.get();
    taken += status.ok() ? 1 : 0;
    if (status.ok()) continue;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    wire::RpcStatus details;
    ASSERT_TRUE(details.ParseFromString(status.error_details()));
    wire::RetryInfo info;
    ASSERT_TRUE(info.ParseFromString(details.details(0).value()));
    EXPECT_EQ(info.retry_delay().seconds(), 1);
  }
  EXPECT_LT(taken, 8);
  stop_storing();
  EXPECT_EQ(texts().size(), 200U * static_cast<std::size_t>(taken));
}

TEST_F(OtlpTest, CallsThatWaitAreAnsweredWhenItEnds) {
  stop_storing();
  auto call = std::async(std::launch::async, [this] { return export_logs(request_of("late", 1)); });
  while (connector->stats().backlog_bytes == 0) std::this_thread::yield();
  connector.reset();
  EXPECT_EQ(call.get().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(OtlpTest, SlowPeersHoldNothingUp) {
  std::vector<tcp::socket> slow;
  for (int i = 0; i < 50; ++i) {
    slow.emplace_back(io).connect({asio::ip::make_address("127.0.0.1"), connector->endpoints()[1].port});
    asio::write(slow.back(), asio::buffer(std::string("POST /v1/logs HTTP/1.1\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{")));
  }
  EXPECT_EQ(post(request_of("heard", 1).SerializeAsString(), "application/x-protobuf").status, 200);
  EXPECT_TRUE(export_logs(request_of("heard, too", 1)).ok());
}

}  // namespace
}  // namespace silt::connectors
