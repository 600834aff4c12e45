// QueryRunner: queries, plain search and pattern lists over the API's own messages. Safe from any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/answer/search/find.h"
#include "daemon/answer/search/profile_cache.h"
#include "proto/silt/v1/query.pb.h"

namespace silt::answer {

class QueryRunner {
 public:
  QueryRunner(const store::RecordLog& log, search::ProfileCache& profiles, std::int64_t time_max_us)
      : log_(log), profiles_(profiles), time_max_us_(time_max_us) {}

  // `sources`: those that the request means and the caller sees.
  Result<silt::v1::QueryResponse> query(const access::Call& call, const silt::v1::QueryRequest& request,
                                        const std::vector<store::SourceInfo>& sources);
  Result<silt::v1::SearchResponse> search(const access::Call& call, const silt::v1::SearchRequest& request,
                                          const std::vector<store::SourceInfo>& sources);
  Result<silt::v1::PatternsResponse> patterns(const access::Call& call, const silt::v1::PatternsRequest& request,
                                              const std::vector<store::SourceInfo>& sources);

  // The query that a request means, in either form.
  static Result<silt::v1::Query> query_of(const silt::v1::QueryRequest& request);

 private:
  Result<search::Profiles> profiles_of(const access::Call& call, const std::vector<store::SourceInfo>& sources);
  search::Limits limits_of(const access::Call& call, std::int32_t zone_s) const;
  Status cite_hit(const search::Profiles& scope, const search::Hit& hit, std::uint32_t number,
                  silt::v1::Citation& out) const;

  const store::RecordLog& log_;
  search::ProfileCache& profiles_;
  std::int64_t time_max_us_;
};

}  // namespace silt::answer
