#include "model/tools/eval_options.h"

#include <charconv>

namespace silt::model {

const std::string_view kEvalUsage =
    R"(usage: silt-eval bpb FILE... [options]
       silt-eval fit-recall FILE... --out GATE [options]
       silt-eval learn FILE... [--frozen] [options]

bpb reads each file as one stream, charging every token its surprise before
learning from it, and prints bits per byte: in total and for each tenth of the
stream. fit-recall reads them in the same way, but hands what the recall gate
has learned from each file on to the next, and writes it in the end: float32
little endian, for the tensor recall.gate of the weight file. learn reads all
files side by side, each as a source of its own, as siltd does, and prints how
many tokens a second that were and where the time went.

  --weights F       weight file (default: search for silt-23m.safetensors)
  --backend B       auto, ref, cpu, a path such as cpu-avx2, or cuda (default: auto)
  --threads N       threads of the backend (default: 1); results do not depend on it
  --devices N       learn spreads the files over N GPUs, by their names (with --backend cuda; default: 1)
  --no-learn        score under the initial weights only
  --no-recall       predict by the net alone, whatever the weight file says
  --limit-tokens N  read the first N tokens of each file
  --token-ids       files are token ids, uint16 little endian, instead of text
  --nll-out F       write each token's surprise in nats, float32 little endian (one FILE)
  --out GATE        where fit-recall writes
  --frozen          learn also scores under the initial weights
  --json            one JSON object a file, on one line
  --compare         measure xz -9e and zstd -19 too (default: unless --json)
  --no-compare      do not

The first token of a file has no context and costs log2(vocabulary) bits.
)";

namespace {

template <class T>
bool parse_count(std::string_view text, T& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size() && value > 0;
}

// The options that take a value. False when `name` is none of them.
Result<bool> set_value(std::string_view name, std::string_view value, EvalOptions& options) {
  if (name == "--weights") {
    options.weights = value;
  } else if (name == "--backend") {
    options.backend = value;
  } else if (name == "--nll-out") {
    options.nats_out = value;
  } else if (name == "--out") {
    options.gate_out = value;
  } else if (name == "--threads") {
    if (!parse_count(value, options.threads)) return invalid_argument("--threads needs a number above 0");
  } else if (name == "--devices") {
    if (!parse_count(value, options.devices)) return invalid_argument("--devices needs a number above 0");
  } else if (name == "--limit-tokens") {
    if (!parse_count(value, options.tokens_max)) {
      return invalid_argument("--limit-tokens needs a number above 0");
    }
  } else {
    return false;
  }
  return true;
}

bool set_flag(std::string_view name, EvalOptions& options) {
  if (name == "--json")
    options.json = true;
  else if (name == "--no-learn")
    options.learn = false;
  else if (name == "--no-recall")
    options.recall = false;
  else if (name == "--frozen")
    options.frozen = true;
  else if (name == "--token-ids")
    options.token_ids = true;
  else if (name == "--compare")
    options.compare = true;
  else if (name == "--no-compare")
    options.compare = false;
  else if (name == "--help" || name == "-h")
    options.help = true;
  else
    return false;
  return true;
}

bool takes_value(std::string_view name) {
  for (const std::string_view known :
       {"--weights", "--backend", "--nll-out", "--out", "--threads", "--devices", "--limit-tokens"}) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace

Result<EvalOptions> parse_eval_options(std::span<const std::string_view> arguments) {
  EvalOptions options;
  bool only_files = false;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (only_files || !argument.starts_with('-') || argument == "-") {
      words.emplace_back(argument);
      continue;
    }
    if (argument == "--") {
      only_files = true;
      continue;
    }
    if (set_flag(argument, options)) continue;
    std::string_view value;
    if (const std::size_t equals = argument.find('='); equals != argument.npos) {
      value = argument.substr(equals + 1);
      argument = argument.substr(0, equals);
    } else if (takes_value(argument)) {
      if (i + 1 == arguments.size()) return invalid_argument(std::string(argument) + " needs a value");
      value = arguments[++i];
    }
    SILT_ASSIGN(const bool known, set_value(argument, value, options));
    if (!known) return invalid_argument("unknown option " + std::string(argument) + ", see silt-eval --help");
  }
  if (options.help) return options;
  if (words.empty() || (words.front() != "bpb" && words.front() != "fit-recall" && words.front() != "learn")) {
    return invalid_argument("what to measure? Write: silt-eval bpb FILE...");
  }
  if (words.front() == "fit-recall") options.command = EvalCommand::kFitRecall;
  if (words.front() == "learn") options.command = EvalCommand::kLearn;
  options.files.assign(words.begin() + 1, words.end());
  if (options.devices > 1 && (options.command != EvalCommand::kLearn || options.backend != "cuda")) {
    return invalid_argument("--devices is of learn with --backend cuda");
  }
  if (options.files.empty())
    return invalid_argument(options.command == EvalCommand::kFitRecall
                                ? std::string("no file to read. Write: silt-eval fit-recall FILE... --out GATE")
                                : "no file to read. Write: silt-eval " + words.front() + " FILE...");
  if (!options.nats_out.empty() && options.files.size() != 1) {
    return invalid_argument("--nll-out takes the surprises of one FILE");
  }
  if ((options.command == EvalCommand::kFitRecall) != !options.gate_out.empty()) {
    return invalid_argument("fit-recall, and nothing else, needs --out GATE");
  }
  return options;
}

}  // namespace silt::model
