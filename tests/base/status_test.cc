#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace silt {
namespace {

TEST(Status, CodesCarryTheNumbersOfGrpc) {
  EXPECT_EQ(static_cast<int>(invalid_argument("").code()), 3);
  EXPECT_EQ(static_cast<int>(not_found("").code()), 5);
  EXPECT_EQ(static_cast<int>(permission_denied("").code()), 7);
  EXPECT_EQ(static_cast<int>(resource_exhausted("").code()), 8);
  EXPECT_EQ(static_cast<int>(failed_precondition("").code()), 9);
  EXPECT_EQ(static_cast<int>(unimplemented("").code()), 12);
  EXPECT_EQ(static_cast<int>(internal_error("").code()), 13);
  EXPECT_EQ(static_cast<int>(unavailable("").code()), 14);
  EXPECT_EQ(static_cast<int>(data_loss("").code()), 15);
}

TEST(Status, OkCostsAPointerPairAndStaysOk) {
  const Status status;
  EXPECT_TRUE(status.is_ok());
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.to_string(), "OK");
  EXPECT_TRUE(status.with_context("while testing").is_ok());
  EXPECT_TRUE(Status(Code::kOk, "not a failure").is_ok());
}

TEST(Status, ContextGoesInFront) {
  const Status status = not_found("no such row").with_context("source web");
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.to_string(), "NOT_FOUND: source web: no such row");
}

TEST(Status, ErrnoGetsAFittingCode) {
  EXPECT_EQ(errno_status("open /x", ENOENT).to_string(), "NOT_FOUND: open /x: No such file or directory");
  EXPECT_EQ(errno_status("", EACCES).code(), Code::kPermissionDenied);
  EXPECT_EQ(errno_status("", ENOSPC).code(), Code::kResourceExhausted);
  EXPECT_EQ(errno_status("", EIO).code(), Code::kDataLoss);
  EXPECT_EQ(errno_status("", EAGAIN).code(), Code::kUnavailable);
}

Result<std::unique_ptr<int>> make(int value) {
  if (value < 0) return invalid_argument("negative");
  return std::make_unique<int>(value);
}

Result<int> doubled(int value) {
  SILT_ASSIGN(const std::unique_ptr<int> made, make(value));
  return *made * 2;
}

Status both(int first, int second) {
  SILT_TRY(make(first).status());
  SILT_TRY(doubled(second).status());
  return Status::ok();
}

TEST(Result, PassesValuesAndFailuresOn) {
  EXPECT_EQ(*doubled(4), 8);
  EXPECT_EQ(doubled(-1).status().message(), "negative");
  EXPECT_TRUE(both(1, 2).is_ok());
  EXPECT_EQ(both(1, -2).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace silt
