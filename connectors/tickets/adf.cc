#include "connectors/tickets/adf.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kTextMax = 4 << 20;

bool is_block(std::string_view type) {
  for (const std::string_view each : {"paragraph", "heading", "codeBlock", "listItem", "tableRow", "blockquote", "panel", "rule", "mediaSingle"}) {
    if (type == each) return true;
  }
  return false;
}

// As deep as the JSON was allowed to be.
void add(Json node, std::string& out) {
  if (out.size() > kTextMax) return;
  const std::string_view type = node["type"].text();
  const Json attributes = node["attrs"];
  if (type == "text") {
    out += node["text"].text();
  } else if (type == "hardBreak") {
    out += '\n';
  } else if (type == "mention" || type == "emoji" || type == "status") {
    out += attributes["text"].text();
  } else if (type == "inlineCard" || type == "blockCard") {
    out += attributes["url"].text();
  } else if (type == "listItem") {
    out += "- ";
  }
  const Json content = node["content"];
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (type == "tableRow" && i > 0) {
      while (out.ends_with('\n')) out.pop_back();
      out += " | ";
    }
    add(content.at(i), out);
  }
  if (is_block(type) && !out.empty() && !out.ends_with('\n')) out += '\n';
}

}  // namespace

std::string adf_text(Json document) {
  if (!document["content"]) return std::string(document.text());
  std::string out;
  add(document, out);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace silt::connectors
