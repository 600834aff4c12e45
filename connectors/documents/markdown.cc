#include "connectors/documents/markdown.h"

#include <md4c.h>

#include <cstring>

#include "connectors/documents/html_text.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kBytesMax = 16 << 20;

struct Parse {
  SectionBuilder sections;
  std::string title;
  int heading = 0;  // its level while in it
  int code = 0, html = 0;
  std::string raw_html;
  std::string link;  // of the span that is open
};

int enter_block(MD_BLOCKTYPE type, void* detail, void* user) {
  auto& parse = *static_cast<Parse*>(user);
  switch (type) {
    case MD_BLOCK_H:
      parse.heading = static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
      parse.title.clear();
      break;
    case MD_BLOCK_LI:
      parse.sections.end_line();
      parse.sections.text("- ");
      break;
    case MD_BLOCK_CODE: ++parse.code; parse.sections.end_line(); break;
    case MD_BLOCK_HTML: ++parse.html; break;
    default: break;
  }
  return 0;
}

int leave_block(MD_BLOCKTYPE type, void*, void* user) {
  auto& parse = *static_cast<Parse*>(user);
  switch (type) {
    case MD_BLOCK_H:
      parse.sections.heading(parse.heading, parse.title);
      parse.heading = 0;
      break;
    case MD_BLOCK_TD:
    case MD_BLOCK_TH: parse.sections.text(" | "); break;
    case MD_BLOCK_CODE: --parse.code; parse.sections.end_line(); break;
    case MD_BLOCK_HTML:
      --parse.html;
      parse.sections.text(html_text(parse.raw_html));
      parse.raw_html.clear();
      parse.sections.end_line();
      break;
    case MD_BLOCK_P:
    case MD_BLOCK_LI:
    case MD_BLOCK_TR:
    case MD_BLOCK_HR: parse.sections.end_line(); break;
    default: break;
  }
  return 0;
}

int enter_span(MD_SPANTYPE type, void* detail, void* user) {
  auto& parse = *static_cast<Parse*>(user);
  if (type == MD_SPAN_A) {
    const MD_ATTRIBUTE& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
    parse.link.assign(href.text, href.size);
  }
  return 0;
}

int leave_span(MD_SPANTYPE type, void*, void* user) {
  auto& parse = *static_cast<Parse*>(user);
  // Where an outside link leads is part of what is said.
  if (type == MD_SPAN_A && parse.heading == 0 && parse.link.starts_with("http")) parse.sections.text(" (" + parse.link + ")");
  if (type == MD_SPAN_A) parse.link.clear();
  return 0;
}

int on_text(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* user) {
  auto& parse = *static_cast<Parse*>(user);
  std::string_view shown(text, size);
  if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) shown = "\n";
  if (type == MD_TEXT_NULLCHAR) shown = "?";
  std::string decoded;
  if (type == MD_TEXT_ENTITY) shown = decoded = html_text(shown);
  if (shown == parse.link) parse.link.clear();  // a bare one is its own text
  if (parse.html > 0) {
    parse.raw_html += shown;
  } else if (type == MD_TEXT_HTML) {
    // a tag within a line
  } else if (parse.heading > 0) {
    parse.title += shown;
  } else {
    parse.sections.text(shown);
  }
  return 0;
}

// Between --- lines at the very beginning: data about the document.
std::string_view without_front_matter(std::string_view text) {
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n")) return text;
  const std::size_t end = text.find("\n---", 3);
  if (end == std::string_view::npos) return text;
  const std::size_t line_end = text.find('\n', end + 1);
  return line_end == std::string_view::npos ? std::string_view() : text.substr(line_end + 1);
}

}  // namespace

std::vector<Section> markdown_sections(std::string_view markdown) {
  markdown = without_front_matter(markdown.substr(0, kBytesMax));
  MD_PARSER parser;
  std::memset(&parser, 0, sizeof parser);
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEURLAUTOLINKS;
  parser.enter_block = enter_block;
  parser.leave_block = leave_block;
  parser.enter_span = enter_span;
  parser.leave_span = leave_span;
  parser.text = on_text;
  Parse parse;
  ::md_parse(markdown.data(), static_cast<MD_SIZE>(markdown.size()), &parser, &parse);
  return parse.sections.take();
}

}  // namespace silt::connectors
