#include "connectors/documents/document.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "connectors/documents/html_text.h"
#include "connectors/documents/mail.h"
#include "connectors/documents/markdown.h"
#include "connectors/documents/plain_text.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kPartBytes = 24 * 1024;  // a longer section is several, cut at line ends

Result<std::string> read_all(int fd, std::uint64_t bytes_max) {
  struct stat file{};
  if (::fstat(fd, &file) != 0) return errno_status("look at it", errno);
  if (static_cast<std::uint64_t>(file.st_size) > bytes_max)
    return resource_exhausted("larger than " + std::to_string(bytes_max >> 20) + " MiB: exclude it, or split it");
  std::string out(static_cast<std::size_t>(file.st_size), '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t size = ::pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(have));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno_status("read it", errno);
    if (size == 0) break;
    have += static_cast<std::size_t>(size);
  }
  out.resize(have);
  return out;
}

void add_section(const Section& section, std::vector<DocumentPart>& out) {
  std::string_view rest = section.text;
  for (int number = 1; !rest.empty(); ++number) {
    std::size_t end = rest.size();
    if (end > kPartBytes) {
      end = rest.rfind('\n', kPartBytes);
      if (end == std::string_view::npos || end == 0) end = kPartBytes;
    }
    DocumentPart part;
    part.id = section.path + (number > 1 ? " (part " + std::to_string(number) + ")" : "");
    part.text = part.id.empty() ? std::string() : part.id + "\n";
    part.text += rest.substr(0, end);
    if (!section.path.empty()) part.attributes.emplace_back("section", section.path);
    out.push_back(std::move(part));
    rest = rest.substr(end);
    if (rest.starts_with('\n')) rest.remove_prefix(1);
  }
}

void add_message(std::string_view message, std::vector<DocumentPart>& out) {
  Mail mail = parse_mail(message);
  DocumentPart part;
  const bool first = mail.thread == mail.id;
  part.text = mail.subject + (mail.text.empty() ? "" : "\n" + mail.text);
  for (const std::string& name : mail.attachments) part.text += "\nattachment: " + name;
  part.at_us = mail.at_us;
  part.attributes = {{"ticket", mail.thread}, {"kind", first ? "created" : "comment"}, {"author", mail.author}, {"subject", mail.subject}};
  part.id = std::move(mail.id);
  out.push_back(std::move(part));
}

}  // namespace

DocumentKind kind_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  const std::string_view end = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  if (end == "md" || end == "markdown") return DocumentKind::kMarkdown;
  if (end == "html" || end == "htm") return DocumentKind::kHtml;
  if (end == "txt" || end == "rst" || end == "text" || end == "adoc") return DocumentKind::kPlain;
  if (end == "pdf") return DocumentKind::kPdf;
  if (end == "mbox" || end == "eml") return DocumentKind::kMail;
  return name == "README" ? DocumentKind::kPlain : DocumentKind::kOther;
}

Result<std::vector<DocumentPart>> read_document(int fd, DocumentKind kind, std::uint64_t bytes_max, const PdfLimits& pdf) {
  std::vector<DocumentPart> out;
  if (kind == DocumentKind::kPdf) {
    SILT_ASSIGN(const std::vector<Section> pages, pdf_sections(fd, pdf));
    for (const Section& page : pages) add_section(page, out);
    return out;
  }
  SILT_ASSIGN(const std::string bytes, read_all(fd, bytes_max));
  if (kind == DocumentKind::kMail) {
    if (!is_mbox(bytes)) add_message(bytes, out);
    for (const std::string_view message : split_mbox(bytes)) add_message(message, out);
    return out;
  }
  const std::vector<Section> sections = kind == DocumentKind::kMarkdown ? markdown_sections(bytes)
                                        : kind == DocumentKind::kHtml   ? html_sections(bytes)
                                                                        : plain_sections(bytes);
  for (const Section& section : sections) add_section(section, out);
  return out;
}

}  // namespace silt::connectors
