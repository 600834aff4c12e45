#include "daemon/serve/api.h"
#include "daemon/watch/board.h"
#include "daemon/watch/view.h"

namespace silt::serve {
namespace {

using access::Call;

constexpr std::uint32_t kPollMs = 1000;

}  // namespace

Result<silt::v1::WatchResponse> Api::watch(const Call& call, const silt::v1::WatchRequest& request) const {
  SILT_TRY(check_names(request));
  if (dependencies_.board == nullptr) return unimplemented("nothing is watched here");
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, request.tenant(), names));
  const watch::Sources sources = watch::by_ref(infos);
  SILT_ASSIGN(const watch::News news, dependencies_.board->since(request.token(), request.recent(), [&](store::SourceRef source) {
    return sources.contains(source);
  }));
  silt::v1::WatchResponse response;
  watch::IncidentView view(sources, dependencies_.log, dependencies_.folds);
  for (const watch::Incident& incident : news.incidents) view.write(incident, *response.add_incidents());
  response.set_token(news.token);
  response.set_missed(news.missed);
  response.set_poll_ms(news.more ? 0 : kPollMs);
  return response;
}

}  // namespace silt::serve
