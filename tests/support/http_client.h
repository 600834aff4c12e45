// An HTTP client of a few lines for tests, over a unix socket or any other stream.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <string>

namespace silt::testing {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using UnixStream = boost::asio::local::stream_protocol::socket;

struct HttpReply {
  unsigned status = 0;
  std::string type, body;
  boost::beast::http::fields headers;
  boost::json::value json() const { return boost::json::parse(body); }
};

inline HttpRequest get_request(const std::string& path) {
  HttpRequest request(boost::beast::http::verb::get, path, 11);
  request.set(boost::beast::http::field::host, "silt");
  return request;
}

inline HttpRequest post_request(const std::string& path, const std::string& body, const std::string& type = "application/json") {
  HttpRequest request(boost::beast::http::verb::post, path, 11, body);
  request.set(boost::beast::http::field::host, "silt");
  request.set(boost::beast::http::field::content_type, type);
  request.prepare_payload();
  return request;
}

template <class Stream>
HttpReply round_trip(Stream& stream, const HttpRequest& request) {
  boost::beast::http::write(stream, request);
  boost::beast::flat_buffer buffer;
  boost::beast::http::response<boost::beast::http::string_body> response;
  boost::system::error_code failed;
  boost::beast::http::read(stream, buffer, response, failed);
  EXPECT_FALSE(failed) << failed.message();
  return {response.result_int(), std::string(response[boost::beast::http::field::content_type]), response.body(), response.base()};
}

inline UnixStream connect_unix(boost::asio::io_context& io, const std::string& path) {
  UnixStream stream(io);
  stream.connect(boost::asio::local::stream_protocol::endpoint(path));
  return stream;
}

}  // namespace silt::testing
