#include "connectors/file/tail_reader.h"

#include <algorithm>
#include <cerrno>

#include "connectors/line_splitter.h"

namespace silt::connectors {
namespace {

// A run of NULs this long at a line's start is a hole or zeroed blocks, not text.
constexpr std::size_t kNulRunBytes = 4096;

const std::string& shown_path(const Generation& generation) {
  return generation.live ? generation.chain : generation.path;
}

Record& add_record(const Generation& generation, std::uint64_t begin, std::string_view text, Batch& out) {
  Record& record = out.records.emplace_back();
  record.text.assign(text);
  record.origin.path = shown_path(generation);
  record.origin.generation = generation.id;
  record.origin.begin = begin;
  record.origin.end = begin + text.size();
  out.bytes += text.size();
  return record;
}

void cut(Record& record, std::uint64_t bytes) {
  if (bytes == 0) return;
  record.flags |= kRecordCut;
  record.bytes_cut = bytes;
  record.origin.end += bytes;
}

void add_gap(const Generation& generation, std::uint64_t begin, std::uint64_t size, std::string_view text,
             Batch& out) {
  Record& record = add_record(generation, begin, text, out);
  record.flags = kRecordGap;
  record.bytes_cut = size;
  record.origin.end = begin + size;
}

std::size_t leading_nuls(std::string_view bytes) {
  return std::min(bytes.find_first_not_of('\0'), bytes.size());
}

// Before a read: the position in the file from which it goes on.
std::uint64_t resume_at(const Generation& generation) {
  return generation.stretch == Stretch::kLine ? generation.offset : generation.scan_to;
}

const Fingerprint& proof_at(const Generation& generation) {
  return generation.stretch == Stretch::kLine ? generation.tail : generation.scan_tail;
}

// Of the bytes before a position, of which at least kTailBytes or all are given.
Fingerprint tail_of(std::string_view before) {
  return Fingerprint::of(before.substr(before.size() - std::min<std::size_t>(before.size(), kTailBytes)));
}

void advance(Generation& generation, std::uint64_t offset, const Fingerprint& tail) {
  generation.offset = offset;
  generation.tail = tail;
  generation.stretch = Stretch::kLine;
}

void scan_on(Generation& generation, Stretch stretch, std::uint64_t to, std::string_view before) {
  generation.stretch = stretch;
  generation.scan_to = to;
  generation.scan_tail = tail_of(before);
}

}  // namespace

Result<TailReader::Outcome> TailReader::read(Generation& generation, const ReadLimits& limits, Batch& out) {
  SILT_ASSIGN(const FileLook look, look_at(generation.fd));
  generation.unlinked = look.links == 0;
  const bool unchanged = look.size == generation.offset && look.size == generation.seen_size &&
                         look.modified_ns == generation.modified_ns;
  if (unchanged) return Outcome::kEnd;
  if (look.size < generation.offset) return Outcome::kTruncated;
  SILT_ASSIGN(Window window, load(generation, limits));
  if (!proves(generation, window) && generation.stretch != Stretch::kLine) {
    generation.stretch = Stretch::kLine;  // the scanned part was cut off; the line's start may be whole
    SILT_ASSIGN(window, load(generation, limits));
  }
  if (!proves(generation, window)) return Outcome::kTruncated;

  generation.modified_ns = look.modified_ns;
  const std::uint64_t size = std::max(look.size, window.begin + window.bytes.size());
  if (size < generation.seen_size) {
    generation.lost_bytes += generation.seen_size - size;
    generation.lost_why = "the end of the file was cut off before it was read";
    generation.seen_size = size;
    report_loss(generation, out);
  }
  generation.seen_size = std::max(generation.seen_size, size);
  if (window.begin == 0 && generation.head.size < kHeadBytes) {
    generation.head = Fingerprint::of(window.bytes.substr(0, kHeadBytes));
  }

  const std::uint64_t before = resume_at(generation);
  if (!window.fresh().empty()) {
    if (generation.stretch == Stretch::kLongLine) {
      SILT_TRY(long_line(generation, window, limits, out));
    } else if (generation.stretch == Stretch::kNulRun || window.fresh().front() == '\0') {
      SILT_TRY(nul_run(generation, window, out));
    }
    if (generation.stretch == Stretch::kLine && resume_at(generation) == before) {
      split(generation, window, limits, out);
    }
  }
  if (resume_at(generation) != before) return Outcome::kMore;  // the next read sees what is left
  if (generation.finishing && generation.unread() > 0) SILT_TRY(finish(generation, limits, out));
  return Outcome::kEnd;
}

Result<TailReader::Window> TailReader::load(const Generation& generation, const ReadLimits& limits) {
  const std::size_t fresh =
      std::max<std::size_t>(limits.batch_bytes_max, std::size_t{limits.record_bytes_max} + 1);
  const std::uint32_t proof = proof_at(generation).size;
  Window window;
  window.from = resume_at(generation);
  window.begin = window.from - proof;
  buffer_.resize(std::max(buffer_.size(), fresh + kTailBytes));
  SILT_ASSIGN(const std::size_t count, read_at(generation.fd, window.begin, buffer_.data(), proof + fresh));
  window.bytes = {buffer_.data(), count};
  return window;
}

bool TailReader::proves(const Generation& generation, const Window& window) {
  const Fingerprint& tail = proof_at(generation);
  if (window.bytes.size() < tail.size || !tail.fits(window.bytes.substr(0, tail.size))) return false;
  if (window.begin > 0 || generation.head.size == 0) return true;
  return generation.head.fits(window.bytes.substr(0, generation.head.size));
}

void TailReader::split(Generation& generation, const Window& window, const ReadLimits& limits, Batch& out) {
  const std::string_view fresh = window.fresh();
  LineSplitter lines(fresh);
  std::uint64_t at = generation.offset;
  std::string_view line;
  while (out.records.size() < limits.batch_records_max && out.bytes < limits.batch_bytes_max &&
         lines.next(line)) {
    const std::string_view kept = line.substr(0, limits.record_bytes_max);
    cut(add_record(generation, at, kept, out), line.size() - kept.size());
    at += line.size() + 1;
    // A hole in the middle of a window starts the next read, which knows how to cross it.
    if (leading_nuls(lines.rest().substr(0, kNulRunBytes)) == kNulRunBytes) break;
  }
  if (at > generation.offset) {
    advance(generation, at, tail_of(window.bytes.substr(0, at - window.begin)));
  } else if (fresh.size() > limits.record_bytes_max && lines.consumed() == 0 && out.records.empty()) {
    scan_on(generation, Stretch::kLongLine, window.from + fresh.size(), window.bytes);
  }
}

Status TailReader::long_line(Generation& generation, const Window& window, const ReadLimits& limits,
                             Batch& out) {
  const std::size_t line_end = window.fresh().find('\n');
  if (line_end == std::string_view::npos) {
    scan_on(generation, Stretch::kLongLine, window.from + window.fresh().size(), window.bytes);
    return Status::ok();
  }
  const std::uint64_t end = window.from + line_end;
  const Fingerprint tail = tail_of(window.bytes.substr(0, end + 1 - window.begin));
  SILT_TRY(add_cut_line(generation, end, 0, limits, out));  // overwrites the window
  advance(generation, end + 1, tail);
  return Status::ok();
}

Status TailReader::add_cut_line(Generation& generation, std::uint64_t end, std::uint32_t flags,
                                const ReadLimits& limits, Batch& out) {
  const std::uint64_t size = end - generation.offset;
  const std::size_t kept = std::min<std::uint64_t>(size, limits.record_bytes_max);
  SILT_ASSIGN(const std::size_t count, read_at(generation.fd, generation.offset, buffer_.data(), kept));
  if (count < kept) return unavailable(generation.path + " shrank while it was read");
  Record& record = add_record(generation, generation.offset, {buffer_.data(), count}, out);
  record.flags = flags;
  cut(record, size - kept);
  return Status::ok();
}

Status TailReader::nul_run(Generation& generation, const Window& window, Batch& out) {
  const std::string_view fresh = window.fresh();
  const std::size_t nuls = leading_nuls(fresh);
  if (nuls == fresh.size()) {  // the run goes on, perhaps over a hole of gigabytes
    if (generation.stretch == Stretch::kLine && nuls < kNulRunBytes) return Status::ok();
    const std::uint64_t scanned = window.from + nuls;
    std::uint64_t data = next_data(generation.fd, scanned, 0);
    if (data == 0 && generation.stretch == Stretch::kNulRun)
      return Status::ok();  // wait: it may yet be filled
    if (data == 0) data = scanned;
    const std::uint64_t before = data - std::min<std::uint64_t>(data, kTailBytes);
    SILT_ASSIGN(const std::size_t count, read_at(generation.fd, before, buffer_.data(), data - before));
    scan_on(generation, Stretch::kNulRun, data, {buffer_.data(), count});
    return Status::ok();
  }
  const std::uint64_t text_begin = window.from + nuls;
  if (text_begin - generation.offset < kNulRunBytes) return Status::ok();  // NULs that belong to a line
  const std::uint64_t skipped = text_begin - generation.offset;
  add_gap(generation, generation.offset, skipped,
          "silt: " + std::to_string(skipped) + " NUL bytes were skipped in " + shown_path(generation), out);
  advance(generation, text_begin, tail_of(window.bytes.substr(0, text_begin - window.begin)));
  return Status::ok();
}

Status TailReader::finish(Generation& generation, const ReadLimits& limits, Batch& out) {
  const std::uint64_t end = generation.seen_size;
  if (generation.stretch == Stretch::kNulRun) {
    const std::uint64_t skipped = end - generation.offset;
    add_gap(generation, generation.offset, skipped,
            "silt: " + std::to_string(skipped) + " NUL bytes end " + shown_path(generation), out);
  } else {
    SILT_TRY(add_cut_line(generation, end, kRecordPartial, limits, out));
  }
  generation.offset = end;
  generation.stretch = Stretch::kLine;
  return renew_tail(generation);
}

Status TailReader::renew_tail(Generation& generation) {
  char bytes[kTailBytes];
  const std::size_t size = std::min<std::uint64_t>(generation.offset, kTailBytes);
  SILT_ASSIGN(const std::size_t count, read_at(generation.fd, generation.offset - size, bytes, size));
  if (count < size) return unavailable(generation.path + " shrank while it was read");
  generation.tail = Fingerprint::of({bytes, count});
  return Status::ok();
}

void TailReader::report_loss(Generation& generation, Batch& out) {
  const std::uint64_t lost = std::exchange(generation.lost_bytes, 0);
  reported_bytes_ += lost;
  add_gap(generation, generation.offset, lost,
          "silt: " + std::to_string(lost) + " bytes of " + shown_path(generation) +
              " were lost: " + generation.lost_why,
          out);
}

}  // namespace silt::connectors
