// Answerer: answers questions and queries from the store, and explains records.
//
// Never free association: counts, times and order come from the store; each citation's bytes are
// re-read from the journal and hash-checked before it leaves. Log text is data: it can be quoted,
// never obeyed. An answer sees one tenant only, and of it what the caller sees (access/catalogue.h).
// Safe from any thread; explaining with the adapted model is serialised inside (one reader per
// Answerer). Values are the API's own messages.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/answer/names.h"
#include "daemon/store/fold_store.h"
#include "model/model.h"
#include "proto/silt/v1/ask.pb.h"
#include "proto/silt/v1/query.pb.h"
#include "proto/silt/v1/state.pb.h"

namespace silt::answer {

class Assistant;
namespace meaning {
class PatternVectors;
}

// Of two states; null: W_0.
struct WeightsPair {
  std::shared_ptr<const model::FastWeights> from, to;
};

// How the model reads what is explained.
struct AnswerOptions {
  std::string backend = "auto";
  int threads = 1;
  int devices = 1;
};

class Answerer {
 public:
  struct Dependencies {
    const RecordLog& log;
    const EvidenceStore& evidence;
    const NetStore& nets;
    const store::FoldStore& folds;
    const Snapshots& snapshots;
    std::shared_ptr<const model::Model> model;
    const Clock& clock;
    meaning::PatternVectors* vectors = nullptr;  // null: patterns are found by words alone
    Assistant* assistant = nullptr;              // null: nobody else plans or words
  };
  static Result<std::unique_ptr<Answerer>> create(Dependencies dependencies, const AnswerOptions& options);
  virtual ~Answerer() = default;

  // Emits plan, evidence, text and one final message, in this order, once evidence has been looked for.
  // `emit` returning false or the call's `cancelled` becoming true ends the work early with kCancelled.
  virtual Status ask(const access::Call& call, const silt::v1::AskRequest& request,
                     const std::function<bool(const silt::v1::AskResponse&)>& emit) = 0;

  virtual Result<silt::v1::QueryResponse> query(const access::Call& call, const silt::v1::QueryRequest& request) = 0;
  virtual Result<silt::v1::SearchResponse> search(const access::Call& call, const silt::v1::SearchRequest& request) = 0;
  virtual Result<silt::v1::PatternsResponse> patterns(const access::Call& call,
                                                      const silt::v1::PatternsRequest& request) = 0;

  virtual Result<silt::v1::ExplainResponse> explain(const access::Call& call,
                                                    const silt::v1::ExplainRequest& request) = 0;

  // What two states of `source`, which the call sees, predict differently. Without the names of the versions.
  virtual Result<silt::v1::DiffVersionsResponse> diff(const access::Call& call, const SourceInfo& source,
                                                      const WeightsPair& weights, std::uint32_t limit) = 0;
};

}  // namespace silt::answer
