#include "daemon/store/line_plan.h"

namespace silt::store {
namespace {

Result<LinePlan> plan_lines(const ShapeInfo& shape, SegmentColumns& columns) {
  LinePlan plan;
  std::uint32_t at = 0;
  for (const HoleInfo& hole : shape.holes) {
    if (hole.is_constant()) continue;
    LinePlan::Part& part = plan.parts.emplace_back();
    part.before = std::string_view(shape.text).substr(at, hole.offset - at);
    at = hole.offset;
    SILT_ASSIGN(part.values, columns.values(hole.column));
  }
  plan.end = std::string_view(shape.text).substr(at);
  return plan;
}

}  // namespace

Result<const LinePlan*> LinePlans::of(std::uint32_t shape) {
  const std::vector<ShapeInfo>& shapes = columns_.header().shapes;
  plans_.resize(shapes.size());
  std::optional<LinePlan>& plan = plans_[shape];
  if (!plan) {
    SILT_ASSIGN(plan, plan_lines(shapes[shape], columns_));
  }
  return &*plan;
}

bool append_line(const LinePlan& plan, std::size_t index, std::size_t end_max, std::string& out) {
  for (const LinePlan::Part& part : plan.parts) {
    out.append(part.before);
    part.values.column->append(part.values.rows[index], out);
    if (out.size() > end_max) return false;
  }
  out.append(plan.end);
  return out.size() <= end_max;
}

}  // namespace silt::store
