// FrameCutter: cuts what a connection brings into syslog messages. The first bytes decide how they are framed, for
// the whole connection:
//   "123 <34>..."                counted by octets (RFC 6587, 3.4.1)
//   "1 open 12 ...\n"            RELP, whose messages have numbers that the peer waits for (relp.h)
//   anything else                lines, which end with '\n'
//
// A message over the limit keeps its beginning and says how much was cut. A count that is none cannot be recovered
// from: the cutter is broken then, and its connection must end. Holds one message at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace silt::connectors {

struct Frame {
  std::string_view text;        // valid during the call
  std::uint64_t bytes_cut = 0;  // of its end
  bool partial = false;         // the connection ended within it
  std::string_view command;     // of RELP: "open", "syslog", "close"
  std::uint64_t number = 0;     // of RELP
};

class FrameCutter {
 public:
  using Take = std::function<void(const Frame&)>;

  explicit FrameCutter(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  // Calls `take` for each message that ends in these bytes. False: broken, now or before.
  bool feed(std::string_view bytes, const Take& take);
  // The connection ended: what was held is the last line, or a part of a message.
  void finish(const Take& take);

  bool is_relp() const { return framing_ == Framing::kRelp; }
  // A message has begun that has not ended.
  bool is_open() const { return !head_.empty() || !held_.empty() || bytes_cut_ != 0; }

 private:
  enum class Framing : std::uint8_t { kUnknown, kLines, kCounted, kRelp };

  bool choose(std::string_view& bytes, const Take& take);
  void feed_lines(std::string_view bytes, const Take& take);
  bool feed_counted(std::string_view bytes, const Take& take);
  bool take_head_byte(char c);
  bool read_relp_head();
  void hold(std::string_view bytes);
  void end_frame(std::string_view last, const Take& take);

  const std::size_t frame_bytes_max_;
  Framing framing_ = Framing::kUnknown;
  bool broken_ = false;
  std::string head_;         // of a message, as far as it has come
  bool in_body_ = false;     // behind its head
  std::uint64_t left_ = 0;   // bytes of its body that have not come
  std::string held_;         // its beginning, when it spans several calls
  std::uint64_t bytes_cut_ = 0;
  std::string command_;
  std::uint64_t number_ = 0;
};

}  // namespace silt::connectors
