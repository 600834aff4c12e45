// Status and Result<T>: how every silt function reports failure.
//
// Codes carry gRPC's numbers so that the service layer converts without a table. The code is for
// decisions, the message is for people: it names the input, the place and the remedy.
// An OK status costs one null pointer. Values are immutable and safe to copy between threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace silt {

enum class Code : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

std::string_view code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message);

  static Status ok() { return {}; }

  bool is_ok() const { return detail_ == nullptr; }
  Code code() const { return detail_ ? detail_->code : Code::kOk; }
  const std::string& message() const;

  // The same failure with "context: " in front of the message; OK stays OK.
  Status with_context(std::string_view context) const;
  // "NOT_FOUND: no such source ..." for logs and the command line.
  std::string to_string() const;

 private:
  struct Detail {
    Code code;
    std::string message;
  };
  std::shared_ptr<const Detail> detail_;
};

Status invalid_argument(std::string message);
Status not_found(std::string message);
Status failed_precondition(std::string message);
Status permission_denied(std::string message);
Status resource_exhausted(std::string message);
Status unavailable(std::string message);
Status data_loss(std::string message);
Status internal_error(std::string message);
Status unimplemented(std::string message);

// `action` failed with errno `error`: "open /x: No such file or directory", with a fitting code.
Status errno_status(std::string_view action, int error);

// Either a value or a failed Status. Reading the value of a failed result ends the process.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool is_ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & { return value_.value(); }
  const T& value() const& { return value_.value(); }
  T&& value() && { return std::move(value_).value(); }
  T* operator->() { return &value_.value(); }
  const T* operator->() const { return &value_.value(); }
  T& operator*() & { return value_.value(); }
  const T& operator*() const& { return value_.value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace silt

// The only two control-flow macros in silt: pass a failure up, or bind the value.
#define SILT_TRY(expression)                                  \
  do {                                                        \
    if (::silt::Status silt_status = (expression); !silt_status.is_ok()) return silt_status; \
  } while (false)

#define SILT_CONCAT_INNER(a, b) a##b
#define SILT_CONCAT(a, b) SILT_CONCAT_INNER(a, b)
#define SILT_ASSIGN(declaration, expression) \
  SILT_ASSIGN_IMPL(SILT_CONCAT(silt_result_, __LINE__), declaration, expression)
#define SILT_ASSIGN_IMPL(result, declaration, expression) \
  auto result = (expression);                             \
  if (!result.is_ok()) return result.status();            \
  declaration = std::move(result).value()
