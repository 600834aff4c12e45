// The table of all methods. Every door reads it: at which socket a path is served, what it needs, where it
// is worked on, and what does it. A method without a right does not compile, and no door asks for rights on
// its own: call_method() is the one way in, and audits each attempt to change something.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace silt::serve {

class Api;
using google::protobuf::Message;

// Which threads do the work: questions take seconds, a change may wait for the learner, what is fed waits until it is
// durable, and none may keep someone from seeing how things are. What is worked on by kChange is audited.
enum class Pool : std::uint8_t { kAsk, kLook, kChange, kFeed };

// Who asks need not be able to reach the socket where things are changed.
enum class Socket : std::uint8_t { kQuery, kAdmin };

// Takes one message of the reply; false when nobody wants more.
using Emit = std::function<bool(const Message&)>;
using Invoke = Status (*)(const Api& api, const access::Call& call, const Message& request, const Emit& emit);

struct Method {
  std::string_view path;  // "/silt.v1.AskService/Ask", ending in a zero byte
  Socket socket;
  access::Right needs;
  Pool pool;
  Invoke invoke;

  constexpr Method(std::string_view method_path, Socket at, access::Right right, Pool where, Invoke how)
      : path(method_path), socket(at), needs(right), pool(where), invoke(how) {}
};

std::span<const Method> methods();
const Method* find_method(std::string_view path);   // null: there is none
std::string_view service_of(const Method& method);  // "silt.v1.AskService"

// Without a socket, which is to say over TCP, all are: what a caller may do there is a matter of rights alone.
bool is_served(const Method& method, std::optional<Socket> socket);

const google::protobuf::MethodDescriptor& descriptor_of(const Method& method);
// An empty request of the method's type, to be filled by a door.
std::unique_ptr<Message> new_request(const Method& method);

// Checks the right, does the work, and audits it if it changes something: an attempt that cannot be written
// down is not made. Unary methods emit once. What a token allows ends when it is revoked or expires.
Status call_method(const Api& api, const Method& method, const access::Call& call, const Message& request,
                   const Emit& emit);

}  // namespace silt::serve
