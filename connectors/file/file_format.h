// FileFormat: what the lines of a file are in.
#pragma once

#include <cstdint>

namespace silt::connectors {

enum class FileFormat : std::uint8_t {
  kPlain,      // nothing
  kContainer,  // envelopes of a container runtime (container_line.h)
};

}  // namespace silt::connectors
