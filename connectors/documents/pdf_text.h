// The text of a PDF, by poppler's pdftotext in a child that has little: no new rights, no network where the kernel
// lets us take it away, a second of processor time for each MiB and some more, bounded memory and output.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "connectors/documents/section.h"

namespace silt::connectors {

struct PdfLimits {
  std::string program = "/usr/bin/pdftotext";
  unsigned seconds = 30;  // of a clock, and of processor time
  std::uint64_t memory_bytes = 1ull << 30;
  std::size_t text_bytes = 8 << 20;
};

// `fd`: the file, from its beginning. A page is a section. kDataLoss: no PDF that can be read within the limits;
// kFailedPrecondition: pdftotext is not installed.
Result<std::vector<Section>> pdf_sections(int fd, const PdfLimits& limits);

}  // namespace silt::connectors
