// ItemReply: answers an ItemQuestion from what stands in tickets and documents: the value first, then the events or
// the section that it rests on, by their places ("rm:#42/3"). What was edited away or deleted is never cited.
#pragma once

#include <optional>

#include "base/status.h"
#include "daemon/answer/plan/item_question.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/reply/judge.h"
#include "daemon/store/record_log.h"

namespace silt::answer::reply {

struct ItemReply {
  Judged judged;
  Reply reply;
};

// Nothing: the question is not of that kind, or nothing in tickets and documents fits it.
Result<std::optional<ItemReply>> reply_from_items(const store::RecordLog& log, const search::Profiles& scope, const std::string& question,
                                                  const language::TimeContext& time, const search::Limits& limits, std::size_t citations_max);

}  // namespace silt::answer::reply
