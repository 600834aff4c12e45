// What starting needs of code and constants is several times what running does, and stays in the process's resident
// set for as long as the machine has room.
#pragma once

namespace silt {

// Lets go of all pages of code and constants: those that are used come again from the page cache, at the next use,
// alone, without their neighbours. Safe while other threads run. Nothing that was written is touched.
void drop_code_pages();

}  // namespace silt
