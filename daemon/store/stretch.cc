#include "daemon/store/stretch.h"

#include <vector>

#include "daemon/store/record_log.h"

namespace silt::store {
namespace {

class BlockStretch final : public Stretch {
 public:
  explicit BlockStretch(BlockPtr block) : block_(std::move(block)) {}

  Seq first_seq() const override { return block_->first_seq; }
  Seq last_seq() const override { return block_->last_seq; }
  bool is_folded() const override { return !block_->damage.empty() || !block_->marks.empty(); }
  std::string_view damage() const override { return block_->damage; }
  Result<std::span<const FoldMark>> marks() override { return std::span<const FoldMark>(block_->marks); }
  Result<std::span<const std::int64_t>> told() override {
    if (told_.empty()) {
      for (const RecordView& record : block_->records.records()) told_.push_back(record.told_us);
    }
    return std::span<const std::int64_t>(told_);
  }
  Result<std::string_view> text(std::size_t index) override { return block_->records.records()[index].text; }
  Result<std::string_view> attributes(std::size_t index) override {
    return block_->records.records()[index].attributes;
  }

 private:
  const BlockPtr block_;
  std::vector<std::int64_t> told_;
};

}  // namespace

StretchPtr stretch_of(BlockPtr block) {
  return std::make_unique<BlockStretch>(std::move(block));
}

Result<StretchPtr> RecordLog::stretch_after(SourceRef source, Seq after) const {
  SILT_ASSIGN(BlockPtr block, block_after(source, after));
  return block ? stretch_of(std::move(block)) : StretchPtr();
}

}  // namespace silt::store
