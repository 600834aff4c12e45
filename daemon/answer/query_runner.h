// QueryRunner: queries, plain search and pattern lists over the API's own messages. Safe from any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/answer/asker.h"
#include "daemon/answer/search/find.h"
#include "proto/silt/v1/query.pb.h"

namespace silt::answer {

class QueryRunner {
 public:
  QueryRunner(const store::RecordLog& log, Asker& asker, const Clock& clock) : log_(log), asker_(asker), clock_(clock) {}

  // `sources`: those that the request means and the caller sees.
  Result<silt::v1::QueryResponse> query(const access::Call& call, const silt::v1::QueryRequest& request,
                                        const std::vector<store::SourceInfo>& sources);
  Result<silt::v1::SearchResponse> search(const access::Call& call, const silt::v1::SearchRequest& request,
                                          const std::vector<store::SourceInfo>& sources);
  Result<silt::v1::PatternsResponse> patterns(const access::Call& call, const silt::v1::PatternsRequest& request,
                                              const std::vector<store::SourceInfo>& sources);

  // The query that a request means, in either form.
  Result<silt::v1::Query> query_of(const silt::v1::QueryRequest& request) const;

 private:
  Result<search::Profiles> profiles_of(const access::Call& call, const std::vector<store::SourceInfo>& sources);
  // One record among its neighbours.
  Result<silt::v1::SearchResponse> record_in_context(const access::Call& call, const silt::v1::SearchRequest& request,
                                                     const std::vector<store::SourceInfo>& sources);
  Status cite_hit(const search::Profiles& scope, const search::Hit& hit, std::uint32_t number,
                  silt::v1::Citation& out) const;

  const store::RecordLog& log_;
  Asker& asker_;  // for its profiles and limits
  const Clock& clock_;
};

}  // namespace silt::answer
