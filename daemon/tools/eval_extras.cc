#include "model/tools/eval_extras.h"

#include "daemon/tools/commands.h"

namespace silt::model {
namespace {

constexpr EvalExtra kExtras[] = {
    {"fold", "       silt-eval fold [--patterns] FILE\n\nfold prints the pattern of each line, as siltd would find it.", tools::fold_file},
    {"ground",
     "       silt-eval ground QUESTIONS ROOT [--encoder WEIGHTS] [--vectors FILE]\n\n"
     "ground tells how often each ranker of patterns puts one of the right ones among its\n"
     "first 1, 3, 5 and 10. QUESTIONS has a JSON object a line: \"question\", \"files\" (below\n"
     "ROOT; of several the first counts) and \"evidence\", lines from 1 that answer it.\n\n"
     "  --encoder F   with the sentence encoder of this weight file\n"
     "  --vectors F   keeps what it made of patterns in F for the next time",
     tools::ground_questions},
};

}  // namespace

std::span<const EvalExtra> eval_extras() {
  return kExtras;
}

}  // namespace silt::model
