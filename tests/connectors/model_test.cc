// Random writers, rotations and crashes against a model that knows every line: renames by number and by
// date, copies with truncation, files behind links and with two names, pauses, disks that are full, of the
// journal and of the logs, deaths before and after a batch was stored. One seed is one run; a failure prints
// its seed. What may happen is limited to what can be read at all: a file is deleted or truncated without a
// copy only when it has been read.
#include <cstdio>
#include <random>

#include "tests/connectors/tail_fixture.h"

#ifndef SILT_MODEL_SEEDS
#define SILT_MODEL_SEEDS 400
#endif

namespace silt::connectors {
namespace {

class ModelRun : public TailTest {
 public:
  explicit ModelRun(unsigned seed) : TailTest(parent_for(seed)), random_(seed) {
    options.include = {at(seed % 2 == 0 ? "*.log" : "*.log*")};
    options.open_files_max = seed % 3 == 0 ? 4 : 0;
    options.use_inotify = seed % 8 == 0;                          // an instance takes the kernel 50 ms to end
    if (seed % 4 == 1) options.rules = RecordRules::usual();      // whose last line waits for more
    if (seed % 16 == 0) clock.advance_us(3'000'000'000'000'000);  // time stamps of folders are trusted
    limits.batch_bytes_max = 1 + below(3000);
    limits.batch_records_max = 1 + below(40);
  }

  void run() {
    std::filesystem::create_directory(at("behind"));
    for (const std::string& link : links_) std::filesystem::create_symlink(at("behind/" + link), at(link));
    start();
    for (const std::string& name : names_) append(name, lines(1));
    for (const std::string& link : links_) append("behind/" + link, lines(1));
    catch_up();
    for (int step = 0; step < 60; ++step) act();
    for (const std::string& name : names_) end_line(name);
    catch_up();
    settle();
    expect_all_once();
    EXPECT_EQ(connector->stats().backlog_bytes, 0u);
  }

  void TestBody() override {}

 private:
  // Most runs in memory, where a truncation does not wait for a disk; some on the real file system,
  // which has inode versions and uses inodes again.
  static std::filesystem::path parent_for(unsigned seed) {
    const std::filesystem::path memory = "/dev/shm";
    if (seed % 10 != 0 && ::access(memory.c_str(), W_OK) == 0) return memory;
    return std::filesystem::temp_directory_path();
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  bool chance() { return below(2) == 0; }
  const std::string& any_name() { return names_[below(names_.size())]; }
  const std::string& any_link() { return links_[below(links_.size())]; }
  static std::string rotated(const std::string& name, int number) {
    return std::string(name).append(".").append(std::to_string(number));
  }

  void act() {
    const std::string& name = any_name();
    switch (below(22)) {
      case 0:
      case 1:
      case 2:
        end_line(name);
        append(name, lines(static_cast<int>(1 + below(60))));
        break;
      case 3:
      case 4: begin_line(name); break;
      case 5: rotate(name); break;
      case 6: copy_truncate(name); break;
      case 7: remove_read(name); break;
      case 8:
        catch_up();
        if (open_line_[name].empty() && std::filesystem::exists(at(name))) truncate(name);
        break;
      case 9:
        stop();
        start();
        break;
      case 10: poll_once(true, true); break;
      case 11: poll_once(false, false); break;
      case 12:
        poll_once(true, false);
        stop();  // stored, but the process died before it knew
        start();
        break;
      case 13: rotate_by_date(name); break;
      case 14: clock.advance_us(1'000'000 * static_cast<std::int64_t>(1 + below(10))); break;
      case 15: full_journal(); break;
      case 16: append("behind/" + any_link(), lines(static_cast<int>(1 + below(30)))); break;
      case 17: rotate_behind(any_link()); break;
      case 18: link_hard(name); break;
      case 19: fill_disk_of(name); break;
      default: catch_up();
    }
  }

  void poll_once(bool store, bool confirm) {
    if (!options.use_inotify) connector->reconcile_now();
    Batch batch;
    poll(batch);
    if (store) journal.store(batch);
    if (confirm) connector->confirm();
  }

  // Stored and known to be, polled in vain, or not at all.
  void poll_maybe() {
    if (chance()) return;
    const bool stored = chance();
    poll_once(stored, stored);
  }

  // Without inotify only the timer finds anything.
  void catch_up() {
    options.use_inotify ? drain() : pass_ms(options.poll_ms);
    // The last lines of each of the files that took turns wait one after another.
    for (int files = 0; options.rules != nullptr && files < 6; ++files) pass_ms(options.flush_ms);
  }

  void begin_line(const std::string& name) {
    if (!open_line_[name].empty()) return;
    open_line_[name] = line();
    expected.pop_back();
    append(name, open_line_[name].substr(0, open_line_[name].size() / 2));
  }
  void end_line(const std::string& name, const std::string& file) {
    std::string& open = open_line_[name];
    if (open.empty()) return;
    append(file, open.substr(open.size() / 2) + "\n");
    expected.push_back(std::exchange(open, {}));
  }
  void end_line(const std::string& name) { end_line(name, name); }
  // Its writer never comes back to it: what is there becomes a record of its own.
  void abandon_line(const std::string& name) {
    std::string& open = open_line_[name];
    if (!open.empty()) expected.push_back(open.substr(0, open.size() / 2));
    open.clear();
  }

  void shift(const std::string& name) {
    if (std::filesystem::exists(at(rotated(name, 4)))) {
      catch_up();
      settle();
      remove(rotated(name, 4));
    }
    for (int i = 3; i >= 1; --i) {
      if (std::filesystem::exists(at(rotated(name, i)))) rename(rotated(name, i), rotated(name, i + 1));
    }
  }

  void rotate(const std::string& name) {
    shift(name);
    if (!std::filesystem::exists(at(name))) return;
    rename(name, rotated(name, 1));
    if (chance()) poll_once(true, true);
    if (chance()) end_line(name, rotated(name, 1));
    abandon_line(name);
    if (chance()) append(name, lines(static_cast<int>(below(20))));
  }

  void rotate_by_date(const std::string& name) {
    if (!std::filesystem::exists(at(name))) return;
    char suffix[16];
    std::snprintf(suffix, sizeof suffix, "-202611%02u", ++day_);
    rename(name, name + suffix);
    if (chance()) end_line(name, name + suffix);
    abandon_line(name);
    if (chance()) append(name, lines(static_cast<int>(below(20))));
  }

  // Nothing can be stored while the files go on: what was polled comes again.
  void full_journal() {
    for (unsigned i = 1 + below(4); i > 0; --i) {
      poll_once(false, false);
      const std::string& name = any_name();
      end_line(name);
      append(name, lines(static_cast<int>(1 + below(40))));
      if (chance()) rotate(name);
    }
    poll_once(false, false);
  }

  // A second name inside the glob, through which is written, too; the first one may be rotated meanwhile.
  void link_hard(const std::string& name) {
    if (!std::filesystem::exists(at(name))) return;
    const std::string other = "hard-" + name;
    std::filesystem::create_hard_link(at(name), at(other));
    if (chance()) poll_once(true, true);
    end_line(name, other);
    append(other, lines(static_cast<int>(below(20))));
    poll_maybe();
    if (chance()) rotate(name);
    append(other, lines(static_cast<int>(below(20))));
    // Events do not tell a second name from a new file: one that nobody looked at is told to be lost.
    if (options.use_inotify || chance()) poll_once(true, true);
    remove(other);
  }

  // The file system of the logs is full: a line ends where the room did, and the next one follows it.
  void fill_disk_of(const std::string& name) {
    end_line(name);
    const std::string whole = line();
    expected.back() = whole.substr(0, 1 + below(static_cast<unsigned>(whole.size())));
    append(name, expected.back());
    poll_maybe();
    append(name, "\n" + lines(static_cast<int>(below(5))));
  }

  // As kubelet does it: the file gets another name, and the link leads to a new one. What a link led to
  // between two looks cannot be known.
  void rotate_behind(const std::string& link) {
    catch_up();
    const std::string file = "behind/" + link;
    rename(file, file + "." + std::to_string(++rotations_));
    append(file, lines(static_cast<int>(1 + below(20))));
  }

  void copy_truncate(const std::string& name) {
    shift(name);
    if (!std::filesystem::exists(at(name))) return;
    copy(name, rotated(name, 1));
    if (chance()) poll_once(true, true);
    truncate(name);
    abandon_line(name);
    if (chance()) append(name, lines(static_cast<int>(below(200))));
  }

  void remove_read(const std::string& name) {
    catch_up();
    if (!std::filesystem::exists(at(name))) return;
    end_line(name);
    catch_up();
    remove(name);
    if (chance()) append(name, lines(static_cast<int>(below(20))));
  }

  std::mt19937 random_;
  const std::vector<std::string> names_ = {"a.log", "b.log", "c.log"};
  const std::vector<std::string> links_ = {"k.log", "l.log"};
  std::map<std::string, std::string> open_line_;
  unsigned day_ = 0;
  int rotations_ = 0;
};

TEST(ModelTest, EveryLineOnceWhateverHappens) {
  for (unsigned seed = 1; seed <= SILT_MODEL_SEEDS; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    ModelRun(seed).run();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
    if (seed % 500 == 0) std::printf("seeds up to %u: every line once\n", seed);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace silt::connectors
