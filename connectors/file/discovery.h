// Discovery: what became of the files? Finds files, recognises them after renames, copies and
// truncations, and decides which generation a file is. Reads no lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "connectors/file/file_connector.h"
#include "connectors/file/generations.h"
#include "connectors/file/globs.h"
#include "connectors/file/unseen.h"
#include "connectors/file/watcher.h"

namespace silt::connectors {

// Failures of single files: counted, the last one kept with its remedy.
struct Faults {
  std::uint64_t count = 0;
  std::string last;
  bool fresh = false;  // since the last reconcile

  void note(const Status& failure);
};

class Discovery {
 public:
  // All references must outlive it.
  Discovery(const FileConnectorOptions& options, Globs include, Globs exclude, const Clock& clock,
            Generations& generations, Faults& faults, Activity& activity);

  // Once, after the stored rows were added; `first_start` when there were none.
  void begin(bool first_start);
  // Takes in what happened since the last call; compares with the disk when it is time.
  void catch_up();
  void reconcile_soon() { next_reconcile_us_ = 0; }
  // The same, and with all of it: events were lost.
  void compare_all_soon();

  // The reader found that the generation's file does not hold what was read of it.
  void file_truncated(Generation& generation);
  // The generation's path leads nowhere or elsewhere.
  void path_lost(Generation& generation);

  int event_fd() const { return watcher_.fd(); }
  std::int64_t next_reconcile_us() const { return next_reconcile_us_; }

 private:
  static constexpr std::size_t kTurnsMax = 30;       // comparisons until everything was looked at
  static constexpr std::size_t kUntoldTurnsMax = 6;  // the same, of what changed without an event before
  using Names = std::map<std::string, Watcher::Kind, std::less<>>;

  struct Listing {
    std::vector<std::string> wanted, others, directories;  // others: a rotated file, or one that we know
    bool settled = true;  // nothing in it needs another look before it changes
  };
  // A folder as of its last listing.
  struct Folder {
    std::uint64_t compared = 0;  // the last comparison that came by
    bool settled = false;
    std::uint32_t skipped = 0;  // so often it was not listed since, for its time stamp was the same
    FileLook look;
    std::vector<std::string> directories;
  };

  void reconcile();
  void finish_in_time();
  void compare_files(bool all);
  std::size_t file_parts() const;  // so many comparisons share the files
  bool has_turn(std::uint64_t number, std::size_t parts) const;
  void handle_events(const std::map<std::string, Names>& changed);
  void handle_name(const std::string& path, bool written);
  void follow_link(const std::string& link, const std::string& target);
  void path_is_empty(const std::string& path);

  void resolve_folders();
  bool is_barred(std::string_view path) const;
  bool may_read(const std::string& path, const std::string& real);

  bool wanted(const std::string& path) const { return include_.matches(path) && !exclude_.matches(path); }
  void watch(const std::string& directory);
  void watch_upwards(const std::string& directory);
  // `fresh`: known to be new, so nothing in it is from before our time.
  void scan(const std::string& directory, bool fresh);
  bool unchanged(Folder& folder, const std::string& directory) const;
  void take_in(Listing& listing, bool first);
  void folder_gone(const std::string& directory);
  Listing list(const std::string& directory, bool fresh);

  void consider(const std::string& path);
  void seen_at(Generation& generation, const std::string& path, const FileLook& look);
  void new_file(const std::string& path, const FileLook& look, bool is_wanted);
  void ignore_rotated(const std::string& path);
  Generation* find_known(const std::string& path, const FileLook& look);
  bool is_copy(const std::string& path, const Fd& fd, const FileLook& look, Chain& chain);
  void check_live(const Chain& chain);
  static bool resembles(const Fd& fd, std::uint64_t size, const Generation& original);
  static bool could_become(const Fd& fd, std::uint64_t size, const Generation& original);
  bool has_waited(const FileLook& copy);
  void extend_head(Generation& generation);
  bool replaces(const std::string& path, Fd& fd, const FileLook& look, Chain& chain);
  Generation& create(const std::string& path, const std::string& chain, Fd fd, const FileLook& look,
                     std::int64_t not_before_ns);
  bool start_at_end(Generation& generation);

  void report_unseen();
  bool adopt_copy(Generation& generation);
  void settle_truncated(Generation& generation);
  bool owns_its_path(const Generation& generation) const;
  void set_live(Generation& generation, bool live);
  void note_links(Generation& generation, const FileLook& look);
  void note_size(Generation& generation, const FileLook& look);
  void locate(Generation& generation);
  void age(Generation& generation);
  void drop_oldest_gone();

  const FileConnectorOptions& options_;
  const Globs include_;
  const Globs exclude_;
  const Clock& clock_;
  Generations& generations_;
  Faults& faults_;
  Activity& activity_;
  Watcher watcher_;
  UnseenFiles unseen_;
  std::vector<std::string> barred_;  // never to enter, as named and without links
  std::vector<std::string> trees_;   // where links may lead, without links
  bool polling_ = false;             // some directory has no watch
  bool polling_told_ = false;        // and that was logged
  bool finish_soon_ = false;         // a file without a name has something left to read
  bool first_start_ = false;         // until the first comparison is done
  std::uint64_t scan_number_ = 0;
  std::int64_t next_reconcile_us_ = 0;
  bool compare_all_ = true;          // the next comparison leaves nothing out
  std::uint64_t comparison_ = 0;     // its number
  bool compare_all_folders_ = true;  // the one that is under way
  std::unordered_map<std::string, Folder> folders_;
  std::unordered_set<std::uint64_t> scanned_;  // hashes of the folders that were read at least once
  std::unordered_multimap<std::string, std::string> links_;  // by the file that each leads to
  // Possible copies that wait, by inode and birth: their names move on with the next rotation.
  struct CopyWait {
    std::int64_t since_us = 0;  // monotonic
    std::uint64_t size = 0;
  };
  std::map<std::pair<std::uint64_t, std::int64_t>, CopyWait> copies_;
};

}  // namespace silt::connectors
