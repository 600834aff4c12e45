#include "connectors/file/tail_reader.h"

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "connectors/container/container_cutter.h"
#include "connectors/container/container_name.h"
#include "connectors/record_cutter.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kOpenTextMax = 64 * 1024;
constexpr std::int64_t kTornFlushes = 10;  // the rest of a line is awaited longer than another line
constexpr std::size_t kSmallBytes = 4 * kTailBytes;
constexpr std::size_t kLineBytesUsual = 96;

const std::string& shown_path(const Generation& generation) {
  return generation.live ? generation.chain : generation.path;
}

// Where the bytes from `begin` on are. The place is copied into the batch.
Origin origin_of(const Generation& generation, std::uint64_t begin, std::uint64_t end, StreamWriter& out) {
  return {out.arena().copy(shown_path(generation)), generation.id, begin, end};
}

std::string_view text_of(std::string_view bytes, Encoding encoding, StreamWriter& out) {
  return is_utf16(encoding) ? out.arena().copy(utf8_of_utf16(bytes, encoding)) : bytes;
}

void cut(Record& record, std::uint64_t bytes) {
  if (bytes == 0) return;
  record.flags |= kRecordCut;
  record.bytes_cut = bytes;
  record.origin.end += bytes;
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

Result<TailReader::Outcome> TailReader::read(Generation& generation, StreamWriter& out, const Now& now) {
  now_ = now;
  wants_more_ = false;
  SILT_ASSIGN(const FileLook look, look_at(generation.fd));
  generation.unlinked = look.links == 0;
  if (is_repeated(generation, look)) return Outcome::kTruncated;
  generation.written = false;
  const bool unchanged = look.size == generation.offset && look.size == generation.seen_size &&
                         look.modified_ns == generation.modified_ns;
  if (unchanged) return Outcome::kEnd;
  if (look.size < generation.offset) return Outcome::kTruncated;
  SILT_TRY(note_encoding(generation));
  if (generation.stretch == Stretch::kNulRun) {
    SILT_ASSIGN(const bool filled, was_filled(generation, out.builder().limits()));
    if (filled) generation.stretch = Stretch::kLine;
  }
  SILT_ASSIGN(Window window, load(generation, look.size, out));
  if (!proves(generation, window) && generation.stretch != Stretch::kLine) {
    generation.stretch = Stretch::kLine;  // the scanned part was cut off; the line's start may be whole
    SILT_ASSIGN(window, load(generation, look.size, out));
  }
  if (!proves(generation, window)) return Outcome::kTruncated;
  tell_origin(generation, look, out);

  const std::uint64_t size = std::max(look.size, window.begin + window.bytes.size());
  generation.modified_ns = size == look.size ? look.modified_ns : 0;
  generation.blocks = look.blocks;
  if (size < generation.data_end()) {
    generation.lost_bytes += generation.data_end() - size;
    generation.lost_why = "the end of the file was cut off before it was read";
    report_loss(generation, out);
  }
  generation.nul_to_end = false;
  generation.seen_size = size;
  if (window.begin == 0 && generation.head.size < kHeadBytes) {
    generation.head = Fingerprint::of_head(window.bytes);
  }

  const std::uint64_t before = resume_at(generation);
  SILT_TRY(read_on(generation, window, out));
  if (wants_more_) {  // a record of many lines, of which the window holds the beginning
    SILT_ASSIGN(window, load(generation, look.size, out));
    SILT_TRY(read_on(generation, window, out));
  }
  note_nuls(generation, window, size);
  const std::uint64_t after = resume_at(generation);
  const bool all_read = after == size && generation.unread() == 0;
  if (after != before) return all_read || generation.flush_at_us != 0 ? Outcome::kEnd : Outcome::kMore;
  if (generation.finishing && generation.seen_size > generation.offset) SILT_TRY(finish(generation, out));
  return Outcome::kEnd;
}

// What its file tells of each record: whose container's it is, and of an old one when it was written, for a line's year
// may follow from it.
void TailReader::tell_origin(const Generation& generation, const FileLook& look, StreamWriter& out) {
  constexpr std::int64_t kOldUs = std::int64_t{2} * 86'400'000'000;
  common_.clear();
  of_streams_.clear();
  const auto tell = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) common_.push_back({key, out.arena().copy(value)});
  };
  if (format_ == FileFormat::kContainer) {
    const ContainerName name = container_of(generation.chain);
    tell("namespace", name.space);
    tell("pod", name.pod);
    tell("container", name.container);
  }
  const std::int64_t modified_us = look.modified_ns / 1000;
  if (modified_us > 0 && now_.wall_us - modified_us >= kOldUs)
    tell(kModified, rfc3339_utc(modified_us - modified_us % 1'000'000));
  out.give_all(out.arena().copy(std::span<const Attribute>(common_)));
}

// The common ones and the stream, which comes in few values.
std::span<const Attribute> TailReader::attributes_of(std::string_view stream, StreamWriter& out) {
  for (const auto& [known, attributes] : of_streams_) {
    if (known == stream) return attributes;
  }
  std::vector<Attribute> all = common_;
  all.push_back({"stream", out.arena().copy(stream)});
  of_streams_.emplace_back(all.back().value, out.arena().copy(std::span<const Attribute>(all)));
  return of_streams_.back().second;
}

std::unique_ptr<Cutter> TailReader::cutter_of(std::string_view text, StreamWriter& out) const {
  if (format_ == FileFormat::kContainer) return std::make_unique<ContainerCutter>(text, rules_.get(), out.arena());
  return std::make_unique<RecordCutter>(text, rules_.get(), out.builder().limits().record_bytes_max);
}

Status TailReader::note_encoding(Generation& generation) {
  if (generation.encoding != Encoding::kUnknown) return Status::ok();
  char head[4];
  SILT_ASSIGN(const std::size_t count, read_at(generation.fd, 0, head, sizeof head));
  generation.encoding = encoding_of({head, count});
  return Status::ok();
}

// Whether the writer came to the run of NULs that we know: room that is made beforehand, by a memory
// mapping for instance, is filled from its beginning.
Result<bool> TailReader::was_filled(Generation& generation, const ReadLimits& limits) {
  buffer_.resize(std::max(buffer_.size(), std::size_t{limits.record_bytes_max} + 1));
  SILT_ASSIGN(const std::size_t count,
              read_at(generation.fd, generation.offset, buffer_.data(), limits.record_bytes_max + 1));
  const std::string_view bytes(buffer_.data(), count);
  const std::string_view text = bytes.substr(0, size_before_nul(bytes, generation.encoding));
  generation.nul_from = generation.offset + text.size();
  return text.size() == count || find_line_end(text, generation.encoding) != std::string_view::npos;
}

// Bytes that are not written yet are neither a backlog nor, if the file is cut there, lost.
void TailReader::note_nuls(Generation& generation, const Window& window, std::uint64_t size) {
  if (generation.stretch == Stretch::kNulRun) generation.nul_to_end = generation.scan_to >= size;
  const std::uint64_t window_end = window.begin + window.bytes.size();
  if (generation.stretch != Stretch::kLine || window_end < size || generation.offset >= window_end) return;
  const std::string_view rest = window.bytes.substr(generation.offset - window.begin);
  const std::size_t text = size_without_nuls(rest, generation.encoding);
  generation.nul_to_end = text < rest.size();
  generation.nul_from = generation.offset + text;
}

Status TailReader::read_on(Generation& generation, const Window& window, StreamWriter& out) {
  const std::uint64_t before = resume_at(generation);
  if (window.fresh().empty()) return Status::ok();
  if (generation.stretch == Stretch::kLongLine) {
    SILT_TRY(long_line(generation, window, out));
  } else if (generation.stretch == Stretch::kNulRun || window.fresh().front() == '\0') {
    SILT_TRY(nul_run(generation, window, out));
  }
  if (generation.stretch == Stretch::kLine && resume_at(generation) == before) split(generation, window, out);
  return Status::ok();
}

// Large windows are read into the batch, where their lines stay. Small ones are not, for the proof
// before them would take more room there than they do; nor are those that will not end in lines.
Result<TailReader::Window> TailReader::load(const Generation& generation, std::uint64_t size,
                                            StreamWriter& out) {
  const ReadLimits& limits = out.builder().limits();
  std::size_t most =
      std::max({std::size_t{out.builder().bytes_left()}, std::size_t{limits.record_bytes_max} + 1,
                std::size_t{kHeadBytes}});  // of which the proof needs all
  if (wants_more_) most += kJoinedBytesMax;
  const std::uint32_t proof = proof_at(generation).size;
  Window window;
  window.from = resume_at(generation);
  window.begin = window.from - proof;
  window.unit = unit_bytes(generation.encoding);
  const std::size_t fresh = std::min<std::uint64_t>(most, size - std::min(size, window.from));
  window.in_batch = fresh > kSmallBytes && generation.stretch == Stretch::kLine;
  if (!window.in_batch) buffer_.resize(std::max<std::size_t>(buffer_.size(), proof + fresh));
  char* const to = window.in_batch ? out.arena().reserve(proof + fresh) : buffer_.data();
  SILT_ASSIGN(const std::size_t count, read_at(generation.fd, window.begin, to, proof + fresh));
  if (window.in_batch) out.arena().commit(count);
  window.bytes = {to, count};
  looked_bytes_ += count;
  return window;
}

// A short file that was all read, written to, and is no longer than before: it was truncated, and says the
// same again. A long one was rather saved again by an editor. What sets room aside takes blocks.
bool TailReader::is_repeated(const Generation& generation, const FileLook& look) {
  return generation.written && generation.modified_ns != 0 && look.modified_ns != generation.modified_ns &&
         look.size == generation.offset && look.size == generation.seen_size && look.size > 0 &&
         look.size <= kHeadBytes && look.blocks <= generation.blocks;
}

bool TailReader::proves(const Generation& generation, const Window& window) {
  const Fingerprint& tail = proof_at(generation);
  if (window.bytes.size() < tail.size || !tail.fits(window.bytes.substr(0, tail.size))) return false;
  if (window.begin > 0 || generation.head.size == 0) return true;
  return generation.head.fits(window.bytes.substr(0, generation.head.size));
}

void TailReader::split(Generation& generation, const Window& window, StreamWriter& out) {
  const Encoding encoding = generation.encoding;
  const std::size_t line_bytes_max = bytes_for(out.builder().limits().record_bytes_max, encoding);
  const bool no_line = find_line_end(window.fresh(), encoding) == std::string_view::npos;
  generation.open_text.clear();
  if (no_line) generation.flush_at_us = 0;
  if (no_line && window.fresh().size() <= line_bytes_max) return;
  const std::string_view fresh = window.in_batch ? window.fresh() : out.arena().copy(window.fresh());
  Origin origin = origin_of(generation, generation.offset, 0, out);
  const std::uint64_t records_left = out.builder().records_left();
  out.expect(std::min<std::uint64_t>(records_left, fresh.size() / kLineBytesUsual + 1));
  const std::uint64_t records = is_utf16(encoding) ? split_utf16(encoding, fresh, origin, out)
                                                   : split_records(generation, window, fresh, origin, out);
  if (records > 0) {
    advance(generation, origin.begin, tail_of(window.bytes.substr(0, origin.begin - window.begin)));
  } else if (no_line && out.empty()) {
    const std::size_t text = size_without_nuls(fresh, encoding);
    const bool nuls = fresh.size() - text >= kNulRunBytes;
    generation.nul_from = window.from + text;
    scan_on(generation, nuls ? Stretch::kNulRun : Stretch::kLongLine, window.from + fresh.size(),
            window.bytes.substr(0, window.from - window.begin + fresh.size()));
  }
}

// Each line is a record; lines are not joined.
std::uint64_t TailReader::split_utf16(Encoding encoding, std::string_view fresh, Origin& origin,
                                      StreamWriter& out) {
  const std::size_t line_bytes_max = bytes_for(out.builder().limits().record_bytes_max, encoding);
  const std::uint64_t bytes_left = out.builder().bytes_left(), records_left = out.builder().records_left();
  std::uint64_t bytes = 0, records = 0;
  LineSplitter lines(fresh, encoding);
  for (std::string_view line; records < records_left && bytes < bytes_left && lines.next(line); ++records) {
    const std::string_view kept = whole_prefix(line, line_bytes_max, encoding);
    origin.end = origin.begin + kept.size();
    cut(out.add(text_of(kept, encoding, out), origin), line.size() - kept.size());
    origin.begin += line.size() + unit_bytes(encoding);
    bytes += kept.size();
    if (leading_nuls(lines.rest().substr(0, kNulRunBytes)) == kNulRunBytes) return records + 1;
  }
  return records;
}

std::uint64_t TailReader::split_records(Generation& generation, const Window& window, std::string_view fresh,
                                        Origin& origin, StreamWriter& out) {
  const std::uint64_t bytes_left = out.builder().bytes_left(), records_left = out.builder().records_left();
  const std::unique_ptr<Cutter> cutter = cutter_of(fresh, out);
  const std::uint64_t from = origin.begin;
  std::uint64_t bytes = 0, records = 0;
  bool full = false, hole = false;
  Cutter::Cut found;
  while ((found.among || !(full = records >= records_left || bytes >= bytes_left)) && !hole && cutter->next(found)) {
    add_lines(found, from, origin, out);
    bytes += found.text.size();
    ++records;
    // A hole in the middle of a window starts the next read, which knows how to cross it.
    hole = !found.among && leading_nuls(cutter->rest().substr(0, kNulRunBytes)) == kNulRunBytes;
  }
  if (full || hole) {
    generation.flush_at_us = 0;
  } else if (settle_open(generation, window, *cutter, records)) {
    for (; cutter->last(found); ++records) add_lines(found, from, origin, out);
  }
  origin.begin = from + cutter->consumed();
  return records;
}

void TailReader::add_lines(const Cutter::Cut& found, std::uint64_t window_from, Origin origin, StreamWriter& out) {
  const bool one_line = found.text.find('\n') == std::string_view::npos;
  const std::size_t line_bytes_max = out.builder().limits().record_bytes_max;
  const std::string_view kept = one_line ? found.text.substr(0, line_bytes_max) : found.text;
  origin.begin = window_from + found.begin;
  origin.end = window_from + found.end - 1;
  Record record{.text = kept, .origin = origin, .told_us = found.told_us};
  record.attributes = found.stream.empty() ? out.common() : attributes_of(found.stream, out);
  if (one_line && kept.size() < found.text.size()) {
    record.flags |= kRecordCut;
    record.bytes_cut = found.text.size() - kept.size();
  }
  if (found.goes_on) record.flags |= kRecordCut;
  out.add(record);
}

// What becomes of whole lines at the end of the window that may go on: true, they are a record now.
bool TailReader::settle_open(Generation& generation, const Window& window, const Cutter& cutter,
                             std::uint64_t records) {
  const std::uint64_t window_end = window.from + window.fresh().size();
  if (cutter.waiting() == 0) {
    generation.flush_at_us = 0;
    return false;
  }
  generation.torn = cutter.torn();
  const std::uint64_t open_from = window.from + cutter.consumed();
  if (window_end < generation.seen_size) {  // read with what follows
    generation.flush_at_us = 0;
    if (records > 0) return false;
    if (wants_more_) return true;
    wants_more_ = true;
    return false;
  }
  const std::uint64_t open_to = open_from + cutter.waiting();
  const bool grew = generation.flush_at_us == 0 || (generation.open_to != open_to && !cutter.holds_back());
  const std::int64_t flush_us = cutter.torn() ? kTornFlushes * flush_us_ : flush_us_;
  const bool due = !grew && now_.monotonic_us >= generation.flush_at_us;
  const bool old = now_.wall_us - generation.modified_ns / 1000 >= flush_us;
  if (generation.finishing || generation.unlinked || due || old) {
    generation.flush_at_us = 0;
    return true;
  }
  if (grew) generation.flush_at_us = now_.monotonic_us + flush_us;
  generation.open_to = open_to;
  const std::string_view text = cutter.rest().substr(0, cutter.waiting());
  if (text.size() <= kOpenTextMax) generation.open_text = text;
  return false;
}

void TailReader::report_open(Generation& generation, StreamWriter& out) {
  const std::string_view text = out.arena().copy(std::exchange(generation.open_text, {}));
  const std::unique_ptr<Cutter> cutter = cutter_of(text, out);
  const Origin origin = origin_of(generation, generation.offset, 0, out);
  common_.clear();
  of_streams_.clear();
  Cutter::Cut found;
  while (cutter->next(found) || cutter->last(found)) add_lines(found, generation.offset, origin, out);
}

Status TailReader::long_line(Generation& generation, const Window& window, StreamWriter& out) {
  const std::size_t line_end = find_line_end(window.fresh(), generation.encoding);
  if (line_end == std::string_view::npos) {
    // NULs at the end of the file may be filled in later; others belong to the line.
    const bool at_end = window.from + window.fresh().size() >= generation.seen_size;
    const std::size_t text = at_end ? size_without_nuls(window.fresh(), generation.encoding) : window.fresh().size();
    const std::uint64_t to = window.from + text;
    scan_on(generation, Stretch::kLongLine, to, window.bytes.substr(0, to - window.begin));
    generation.nul_to_end = to < generation.seen_size;
    generation.nul_from = to;
    return Status::ok();
  }
  const std::uint64_t end = window.from + line_end;
  const std::uint64_t next = end + unit_bytes(generation.encoding);
  const Fingerprint tail = tail_of(window.bytes.substr(0, next - window.begin));
  SILT_TRY(add_cut_line(generation, end, 0, out));
  advance(generation, next, tail);
  return Status::ok();
}

Status TailReader::add_cut_line(Generation& generation, std::uint64_t end, std::uint32_t flags,
                                StreamWriter& out) {
  const std::uint64_t size = end - generation.offset;
  const std::size_t bytes_max = bytes_for(out.builder().limits().record_bytes_max, generation.encoding);
  const std::size_t wanted = std::min<std::uint64_t>(size, bytes_max);
  char* const bytes = out.arena().reserve(wanted);
  SILT_ASSIGN(const std::size_t count, read_at(generation.fd, generation.offset, bytes, wanted));
  if (count < wanted) return unavailable(generation.path + " shrank while it was read");
  out.arena().commit(count);
  const Origin origin = origin_of(generation, generation.offset, generation.offset + count, out);
  Record& record = out.add(text_of({bytes, count}, generation.encoding, out), origin);
  record.flags = flags;
  cut(record, size - count);
  return Status::ok();
}

void TailReader::add_gap(const Generation& generation, std::uint64_t begin, std::uint64_t size,
                         std::string_view text, std::string_view cause, StreamWriter& out) {
  Record record;
  record.text = out.arena().copy(text);
  record.origin = origin_of(generation, begin, begin + size, out);
  record.flags = kRecordGap;
  record.bytes_cut = size;
  const Attribute why{kGapCause, cause};
  attach({&why, 1}, record, out.arena());
  out.add(record);  // last: it counts the attributes, too
}

Status TailReader::nul_run(Generation& generation, const Window& window, StreamWriter& out) {
  const std::string_view fresh = window.fresh();
  const std::size_t nuls = leading_nuls(fresh);
  if (nuls == fresh.size()) {  // the run goes on, perhaps over a hole of gigabytes
    if (generation.stretch == Stretch::kLine && nuls < kNulRunBytes) return Status::ok();
    const std::uint64_t scanned = window.from + nuls;
    std::uint64_t data = next_data(generation.fd, scanned, 0);
    if (data == 0) data = std::max(scanned, generation.seen_size);  // a hole to the end
    data -= data % unit_bytes(generation.encoding);
    if (generation.stretch == Stretch::kLine) generation.nul_from = generation.offset;
    const std::uint64_t before = data - std::min<std::uint64_t>(data, kTailBytes);
    char bytes[kTailBytes];
    SILT_ASSIGN(const std::size_t count, read_at(generation.fd, before, bytes, data - before));
    scan_on(generation, Stretch::kNulRun, data, {bytes, count});
    return Status::ok();
  }
  const std::uint64_t text_begin = window.from + nuls - nuls % unit_bytes(generation.encoding);
  if (text_begin - generation.offset < kNulRunBytes) return Status::ok();  // NULs that belong to a line
  if (generation.stretch == Stretch::kNulRun && generation.nul_from > generation.offset) {
    scan_on(generation, Stretch::kLongLine, text_begin, window.bytes.substr(0, text_begin - window.begin));
    return Status::ok();  // they are in the middle of a line
  }
  const std::uint64_t skipped = text_begin - generation.offset;
  add_gap(generation, generation.offset, skipped,
          "silt: " + std::to_string(skipped) + " NUL bytes were skipped in " + shown_path(generation),
          "NUL bytes were skipped: a hole, or blocks that were never written", out);
  advance(generation, text_begin, tail_of(window.bytes.substr(0, text_begin - window.begin)));
  return Status::ok();
}

// NULs at its end are room that nobody filled.
Status TailReader::finish(Generation& generation, StreamWriter& out) {
  if (generation.data_end() > generation.offset)
    SILT_TRY(add_cut_line(generation, generation.data_end(), kRecordPartial, out));
  generation.offset = generation.seen_size;
  generation.stretch = Stretch::kLine;
  generation.nul_to_end = false;
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

void TailReader::report_loss(Generation& generation, StreamWriter& out) {
  const std::uint64_t lost = std::exchange(generation.lost_bytes, 0);
  const std::uint32_t files = std::exchange(generation.lost_files, 0);
  reported_bytes_ += lost;
  const std::string what = files > 0 ? std::to_string(files) + " files that were " : std::to_string(lost) + " bytes of ";
  add_gap(generation, generation.offset, lost,
          "silt: " + what + shown_path(generation) + " were lost: " + generation.lost_why, generation.lost_why, out);
}

}  // namespace silt::connectors
