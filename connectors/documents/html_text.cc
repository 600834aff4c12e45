#include "connectors/documents/html_text.h"

#include <gumbo.h>

#include <algorithm>
#include <memory>

namespace silt::connectors {
namespace {

constexpr std::size_t kBytesMax = 16 << 20;
// Of what goes beyond these only the tags are taken away: the parser takes the square of them in time.
constexpr std::size_t kDepthMax = 500;
constexpr std::size_t kAttributesMax = 500;

int heading_level(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_H1: return 1;
    case GUMBO_TAG_H2: return 2;
    case GUMBO_TAG_H3: return 3;
    case GUMBO_TAG_H4: return 4;
    case GUMBO_TAG_H5: return 5;
    case GUMBO_TAG_H6: return 6;
    default: return 0;
  }
}

bool is_hidden(GumboTag tag) {
  return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE || tag == GUMBO_TAG_HEAD || tag == GUMBO_TAG_TEMPLATE ||
         tag == GUMBO_TAG_NOSCRIPT || tag == GUMBO_TAG_IFRAME || tag == GUMBO_TAG_SVG;
}

bool is_inline(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_A:
    case GUMBO_TAG_ABBR:
    case GUMBO_TAG_B:
    case GUMBO_TAG_CODE:
    case GUMBO_TAG_EM:
    case GUMBO_TAG_FONT:
    case GUMBO_TAG_I:
    case GUMBO_TAG_IMG:
    case GUMBO_TAG_KBD:
    case GUMBO_TAG_MARK:
    case GUMBO_TAG_S:
    case GUMBO_TAG_SAMP:
    case GUMBO_TAG_SMALL:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_STRONG:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
    case GUMBO_TAG_TT:
    case GUMBO_TAG_U:
    case GUMBO_TAG_VAR: return true;
    default: return false;
  }
}

// Elements that nothing ends need no end.
bool ends_by_itself(std::string_view tag) {
  for (const std::string_view each : {"br", "img", "hr", "p", "li", "td", "th", "tr", "dt", "dd", "input", "meta", "link", "option", "col"}) {
    if (tag.size() != each.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < tag.size(); ++i) same = same && (tag[i] | 0x20) == each[i];
    if (same) return true;
  }
  return false;
}

// How deep its elements are within each other, at most.
std::size_t depth_of(std::string_view html) {
  std::size_t depth = 0, most = 0;
  for (std::size_t at = html.find('<'); at != std::string_view::npos && at + 1 < html.size(); at = html.find('<', at + 1)) {
    const std::string_view tag = html.substr(at + 1, html.substr(at + 1, 16).find_first_of(" \t\r\n/>"));
    if (html[at + 1] == '/') depth -= depth > 0 ? 1 : 0;
    else if (!tag.empty() && (tag[0] | 0x20) >= 'a' && (tag[0] | 0x20) <= 'z' && !ends_by_itself(tag)) most = std::max(most, ++depth);
  }
  return most;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

// How many attributes one of its tags has, at most, or a few more. A quote opens a value only behind "=".
std::size_t attributes_of(std::string_view html) {
  std::size_t most = 0;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    if (++at >= html.size() || (html[at] | 0x20) < 'a' || (html[at] | 0x20) > 'z') continue;  // "1 < 2"
    std::size_t count = 0;
    char quote = 0, before = 0;  // the last one that is no blank
    for (; at < html.size() && (quote != 0 || html[at] != '>'); ++at) {
      const char c = html[at];
      if (quote != 0) {
        if (c == quote) quote = 0;
        before = c;
      } else if ((c == '"' || c == '\'') && before == '=') {
        quote = c;
      } else if (is_blank(c) || c == '/') {
        const char next = at + 1 < html.size() ? html[at + 1] : ' ';
        count += is_blank(next) || next == '/' ? 0 : 1;
      } else {
        before = c;
      }
    }
    most = std::max(most, count);
  }
  return most;
}

std::string without_tags(std::string_view html) {
  std::string out;
  bool in_tag = false;
  for (const char c : html) {
    if (c == '<' || c == '>') in_tag = c == '<';
    else if (!in_tag) out += c;
  }
  return out;
}

// Walks without recursion: the depth is a stranger's choice.
class Walker {
 public:
  explicit Walker(SectionBuilder& out) : out_(out) {}

  void walk(const GumboNode* root) {
    stack_.push_back({root, 0});
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      const GumboVector* const children = children_of(frame.node);
      if (children == nullptr || frame.next >= children->length) {
        leave(frame.node);
        stack_.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children->data[frame.next++]);
      if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_CDATA || child->type == GUMBO_NODE_WHITESPACE) {
        text(child->v.text.text);
      } else if (child->type == GUMBO_NODE_ELEMENT && !is_hidden(child->v.element.tag)) {
        enter(child);
        stack_.push_back({child, 0});
      }
    }
  }

 private:
  struct Frame {
    const GumboNode* node;
    unsigned next;
  };

  static const GumboVector* children_of(const GumboNode* node) {
    if (node->type == GUMBO_NODE_ELEMENT) return &node->v.element.children;
    return node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children : nullptr;
  }

  void enter(const GumboNode* node) {
    const GumboTag tag = node->v.element.tag;
    if (heading_level(tag) > 0) {
      ++in_heading_;
      title_.clear();
    } else if (!is_inline(tag)) {
      break_line();
    }
    if (tag == GUMBO_TAG_LI) text("- ");
    if (tag == GUMBO_TAG_PRE) ++in_pre_;
  }

  void leave(const GumboNode* node) {
    if (node->type != GUMBO_NODE_ELEMENT) return;
    const GumboTag tag = node->v.element.tag;
    if (const int level = heading_level(tag); level > 0) {
      if (--in_heading_ == 0) out_.heading(level, title_);
      blank_ = true;
    } else if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) {
      text(" | ");
    } else if (!is_inline(tag)) {
      break_line();
    }
    if (tag == GUMBO_TAG_PRE) --in_pre_;
  }

  void break_line() {
    if (in_heading_ > 0) title_ += ' ';
    else out_.end_line();
    blank_ = true;
  }

  void text(std::string_view text) {
    if (in_heading_ > 0) {
      title_ += text;
      return;
    }
    if (in_pre_ > 0) {
      out_.text(text);
      blank_ = text.ends_with('\n');
      return;
    }
    std::string shown;  // blanks are one
    for (const char c : text) {
      const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
      if (blank && blank_) continue;
      shown += blank ? ' ' : c;
      blank_ = blank;
    }
    out_.text(shown);
  }

  SectionBuilder& out_;
  std::vector<Frame> stack_;
  std::string title_;
  int in_heading_ = 0, in_pre_ = 0;
  bool blank_ = true;
};

}  // namespace

std::vector<Section> html_sections(std::string_view html) {
  html = html.substr(0, kBytesMax);
  if (depth_of(html) > kDepthMax || attributes_of(html) > kAttributesMax) {
    SectionBuilder plain;
    plain.text(without_tags(html));
    return plain.take();
  }
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  const auto free_output = [&](GumboOutput* output) { ::gumbo_destroy_output(&options, output); };
  const std::unique_ptr<GumboOutput, decltype(free_output)> output(
      ::gumbo_parse_with_options(&options, html.data(), html.size()), free_output);
  SectionBuilder sections;
  if (output) Walker(sections).walk(output->document);
  return sections.take();
}

std::string html_text(std::string_view html) {
  std::string out;
  for (const Section& section : html_sections(html)) {
    if (!out.empty()) out += '\n';
    if (!section.path.empty()) out += section.path + '\n';
    out += section.text;
  }
  return out;
}

}  // namespace silt::connectors
