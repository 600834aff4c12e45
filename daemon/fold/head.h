// The head of a line: what stands before its message. Private to the scanner.
#pragma once

#include "daemon/fold/scanner.h"

namespace silt::fold {

// Fills host, program, severity and message of a line whose text, time and tokens are known. The rules
// know parts of heads (times, numbers, thread names in brackets, severities, `name[pid]:`), not layouts:
// parts may come in any order that makes sense. A line without a message keeps its head as one.
void find_head(ScannedLine& line);

}  // namespace silt::fold
