// Document: a file as parts that may each change: sections of a text, messages of a mailbox.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "connectors/documents/pdf_text.h"

namespace silt::connectors {

struct DocumentPart {
  std::string id;     // within the document; what its place ends with
  std::string text;
  std::int64_t at_us = 0;  // 0: not told
  std::vector<std::pair<std::string, std::string>> attributes;
};

enum class DocumentKind { kMarkdown, kHtml, kPlain, kPdf, kMail, kOther };

// By the end of its name; of mail by the folder or the first bytes, see DocumentConnectorOptions.
DocumentKind kind_of(std::string_view path);

// `fd` is read from its beginning. kDataLoss: it cannot be understood; kResourceExhausted: larger than `bytes_max`.
Result<std::vector<DocumentPart>> read_document(int fd, DocumentKind kind, std::uint64_t bytes_max, const PdfLimits& pdf);

}  // namespace silt::connectors
