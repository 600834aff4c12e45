// Catalogue: the only way from a name in a request to a source. A call sees the tenants in which its caller
// has the right that its method needs. What it does not see is not found, in the same words whether it
// exists or not; a tenant that it does not see is PERMISSION_DENIED, whether it exists or not. Safe from
// any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/store/record_log.h"

namespace silt::access {

class Catalogue {
 public:
  explicit Catalogue(const store::RecordLog& log) : log_(log) {}

  // Sources of `tenant` ("": the caller's only one, else "default"; "*": all that the call sees) that match any of `names`, by
  // tenant and name; all of them when there are no names. A name is as `silt sources` prints it
  // (base/escape.h), or a glob; a source of exactly that name wins over what its glob would match.
  // kNotFound when a name matches nothing.
  Result<std::vector<store::SourceInfo>> find(const Call& call, std::string_view tenant,
                                              std::span<const std::string> names) const;
  // The one source that `name` means. kInvalidArgument when it is a glob that matches several.
  Result<store::SourceInfo> find_one(const Call& call, std::string_view tenant,
                                     const std::string& name) const;
  // The source of exactly that name in one tenant, no glob: for changes, so that none hits what it did not name.
  Result<store::SourceInfo> find_named(const Call& call, std::string_view tenant,
                                       const std::string& name) const;

  // The one tenant that a request means, if the call sees it. kInvalidArgument for "*".
  static Result<std::string> tenant_of(const Call& call, std::string_view tenant);

 private:
  Result<std::vector<store::SourceInfo>> visible(const Call& call, std::string_view tenant) const;

  const store::RecordLog& log_;
};

// '*' any run, '?' one byte.
bool glob_match(std::string_view glob, std::string_view text);

}  // namespace silt::access
