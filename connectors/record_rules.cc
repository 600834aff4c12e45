#include "connectors/record_rules.h"

#include <re2/re2.h>

namespace silt::connectors {

std::shared_ptr<const RecordRules> RecordRules::usual() {
  static const std::shared_ptr<const RecordRules> rules(new RecordRules(Kind::kUsual));
  return rules;
}

Result<std::shared_ptr<const RecordRules>> RecordRules::by_expression(Kind kind,
                                                                      const std::string& expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok()) {
    return invalid_argument("\"" + expression + "\" is no RE2 expression: " + compiled->error() +
                            ". Look-around and back references are not part of RE2");
  }
  std::shared_ptr<RecordRules> rules(new RecordRules(kind));
  rules->expression_ = std::move(compiled);
  return std::shared_ptr<const RecordRules>(std::move(rules));
}

bool RecordRules::matches(std::string_view line) const {
  return re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *expression_);
}

}  // namespace silt::connectors
