#include "base/code_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace silt {
namespace {

int drop_object(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    // Relocated constants lie in writable segments, so that here nothing differs from the file.
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) & ~(page - 1);
    void* const at = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
    (void)::madvise(at, end - begin, MADV_RANDOM);    // else each fault maps sixteen pages
    (void)::madvise(at, end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void drop_code_pages() {
  ::dl_iterate_phdr(drop_object, nullptr);
}

}  // namespace silt
