#include "base/status.h"

#include <cerrno>
#include <cstring>

namespace silt {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kOk: return "OK";
    case Code::kCancelled: return "CANCELLED";
    case Code::kUnknown: return "UNKNOWN";
    case Code::kInvalidArgument: return "INVALID_ARGUMENT";
    case Code::kDeadlineExceeded: return "DEADLINE_EXCEEDED";
    case Code::kNotFound: return "NOT_FOUND";
    case Code::kAlreadyExists: return "ALREADY_EXISTS";
    case Code::kPermissionDenied: return "PERMISSION_DENIED";
    case Code::kResourceExhausted: return "RESOURCE_EXHAUSTED";
    case Code::kFailedPrecondition: return "FAILED_PRECONDITION";
    case Code::kAborted: return "ABORTED";
    case Code::kOutOfRange: return "OUT_OF_RANGE";
    case Code::kUnimplemented: return "UNIMPLEMENTED";
    case Code::kInternal: return "INTERNAL";
    case Code::kUnavailable: return "UNAVAILABLE";
    case Code::kDataLoss: return "DATA_LOSS";
    case Code::kUnauthenticated: return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

Status::Status(Code code, std::string message) {
  if (code != Code::kOk) {
    detail_ = std::make_shared<const Detail>(Detail{code, std::move(message)});
  }
}

const std::string& Status::message() const {
  static const std::string empty;
  return detail_ ? detail_->message : empty;
}

Status Status::with_context(std::string_view context) const {
  if (is_ok()) return *this;
  return Status(code(), std::string(context) + ": " + message());
}

std::string Status::to_string() const {
  if (is_ok()) return "OK";
  return std::string(code_name(code())) + ": " + message();
}

Status invalid_argument(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }
Status not_found(std::string message) { return {Code::kNotFound, std::move(message)}; }
Status failed_precondition(std::string message) {
  return {Code::kFailedPrecondition, std::move(message)};
}
Status permission_denied(std::string message) {
  return {Code::kPermissionDenied, std::move(message)};
}
Status resource_exhausted(std::string message) {
  return {Code::kResourceExhausted, std::move(message)};
}
Status unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
Status data_loss(std::string message) { return {Code::kDataLoss, std::move(message)}; }
Status internal_error(std::string message) { return {Code::kInternal, std::move(message)}; }
Status unimplemented(std::string message) { return {Code::kUnimplemented, std::move(message)}; }

namespace {

Code code_of_errno(int error) {
  switch (error) {
    case ENOENT: return Code::kNotFound;
    case EACCES:
    case EPERM: return Code::kPermissionDenied;
    case EEXIST: return Code::kAlreadyExists;
    case EINVAL: return Code::kInvalidArgument;
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return Code::kResourceExhausted;
    case EIO: return Code::kDataLoss;
    default: return Code::kUnavailable;
  }
}

}  // namespace

Status errno_status(std::string_view action, int error) {
  return {code_of_errno(error), std::string(action) + ": " + std::strerror(error)};
}

}  // namespace silt
