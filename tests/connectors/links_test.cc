// Links and other names of one file: cases T17 and T20.
#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

using LinksTest = TailTest;

TEST_F(LinksTest, T17_LinkFlippedToANewTarget) {
  std::filesystem::create_directory(at("targets"));
  options.include = {at("current.log")};
  start();
  for (int i = 0; i < 10; ++i) {
    const std::string target = std::string("targets/").append(std::to_string(i));
    append(target, lines(5));
    std::filesystem::create_symlink(at(target), at("next"));
    rename("next", "current.log");
    drain();
    append(target, lines(5));
    drain();  // shows only in the folder of the target
  }
  expect_all_once_in_order();
  append("targets/8", lines(2));  // the writer of the old target was not done
  pass_ms(10'000);
  expect_all_once();
  stop();
  append("targets/9", lines(2));
  append("targets/8", lines(2));
  start();
  drain();
  expect_all_once();
}

// The layout of Kubernetes: the container's link stays, its target is rotated by the kubelet.
TEST_F(LinksTest, T17_RotationBehindALinkIsSeenAtOnce) {
  for (const bool look_between : {false, true}) {
    SCOPED_TRACE(look_between);
    std::filesystem::create_directories(at("pods/p"));
    std::filesystem::create_directories(at("containers"));
    options.include = {at("containers/*.log")};
    options.link_targets = {at("pods")};
    append("pods/p/0.log", lines(3));
    std::filesystem::create_symlink(at("pods/p/0.log"), at("containers/x.log"));
    start();
    drain();
    for (int i = 0; i < 4; ++i) {
      append("pods/p/0.log", lines(2));
      rename("pods/p/0.log", std::string("pods/p/0.log.2026113").append(std::to_string(i)));
      if (look_between) drain();
      append("pods/p/0.log", lines(2));
      drain();  // no time has passed
      append("pods/p/0.log", lines(2));
      drain();
    }
    remove("pods");
    remove("containers");
    drain();
    expect_all_once_in_order();
    stop();
  }
}

TEST_F(LinksTest, T17_SoItIsAfterARestart) {
  std::filesystem::create_directories(at("pods/p"));
  append("pods/p/0.log", lines(3));
  std::filesystem::create_symlink(at("pods/p/0.log"), at("x.log"));
  start();
  drain();
  stop();
  start();
  drain();
  rename("pods/p/0.log", "pods/p/0.log.20261130");
  append("pods/p/0.log", lines(2));
  drain();  // no time has passed
  expect_all_once_in_order();
}

TEST_F(LinksTest, T17_ALinkThatIsThereBeforeItsTarget) {
  std::filesystem::create_directories(at("pods/p"));
  std::filesystem::create_symlink("pods/p/0.log", at("x.log"));
  start();
  drain();
  append("pods/p/0.log", lines(3));
  drain();
  expect_all_once();
}

TEST_F(LinksTest, T17_LinksOutOfTheWatchedFoldersAreNotFollowed) {
  std::filesystem::create_directory(at("in"));
  std::filesystem::create_directory(at("out"));
  append("out/secret", "root:$6$hash\n");
  append("out/x.log", "secret too\n");
  std::filesystem::create_symlink(at("out/secret"), at("in/a.log"));
  std::filesystem::create_directory_symlink(at("out"), at("in/folder"));
  append("in/b.log", lines(3));
  std::filesystem::create_symlink("b.log", at("in/c.log"));  // within: the same file
  options.include = {at("in/*.log"), at("in/*/*.log")};
  start();
  drain();
  pass_ms(10'000);
  expect_all_once();
  EXPECT_NE(connector->stats().last_error.find("link_targets"), std::string::npos);
  stop();
  options.link_targets = {at("out")};
  start();
  drain();
  expected.insert(expected.end(), {"root:$6$hash", "secret too"});
  expect_all_once();
}

TEST_F(LinksTest, T17_ALinkedFolderIsFlipped) {
  options.include = {at("*/app.log")};
  start();
  for (int i = 0; i < 5; ++i) {
    const std::string release = std::string(".release").append(std::to_string(i));
    std::filesystem::create_directory(at(release));
    append(release + "/app.log", lines(3));
    std::filesystem::create_directory_symlink(at(release), at("next"));
    drain();  // through "next" already
    rename("next", "current");
    drain();
    append(release + "/app.log", lines(3));
    drain();
  }
  expect_all_once_in_order();
}

TEST_F(LinksTest, T20_HardLinksAndOverlappingGlobsAreReadOnce) {
  options.include = {at("*.log"), at("a*"), at("**/a.log")};
  append("a.log", lines(10));
  std::filesystem::create_hard_link(at("a.log"), at("b.log"));
  std::filesystem::create_symlink(at("a.log"), at("c.log"));
  start();
  drain();
  append("a.log", lines(10));
  drain();
  append("b.log", lines(10));
  reconcile();
  expect_all_once_in_order();
  remove("a.log");  // the other name keeps the file alive
  append("b.log", lines(10));
  reconcile();
  append("a.log", lines(5));  // and this is another file
  drain();
  reconcile();
  expect_all_once_in_order();
}

}  // namespace
}  // namespace silt::connectors
