// Documents: sections of each format, mail, and a folder whose files change.
#include <gtest/gtest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "connectors/documents/document_connector.h"
#include "connectors/documents/html_text.h"
#include "connectors/documents/mail.h"
#include "connectors/documents/markdown.h"
#include "connectors/documents/plain_text.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

std::string listed(const std::vector<Section>& sections) {
  std::string out;
  for (const Section& section : sections) out += "[" + section.path + "] " + section.text + "\n";
  return out;
}

TEST(Markdown, HeadingsArePathsAndCodeStaysAsItIs) {
  EXPECT_EQ(listed(markdown_sections("---\ntitle: x\n---\nIntro\n\n# Postgres\n\n## Replication *lag*\n\nLook at `pg_stat`:\n\n```sh\npsql -c 'select 1'\n```\n\n"
                                     "1. stop\n2. see [docs](https://x.org/d)\n\n## Backups\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n# Redis\n\n&amp; <b>bold</b> text")),
            "[] Intro\n"
            "[Postgres > Replication lag] Look at pg_stat:\npsql -c 'select 1'\n- stop\n- see docs (https://x.org/d)\n"
            "[Postgres > Backups] a | b | \n1 | 2 |\n"
            "[Redis] & bold text\n");
}

TEST(Markdown, SectionsOfOneNameAreToldApart) {
  const auto sections = markdown_sections("# A\n\nx\n\n# A\n\ny\n");
  ASSERT_EQ(sections.size(), 2u);
  EXPECT_EQ(sections[1].path, "A (2)");
}

TEST(Html, IsWhatAReaderSees) {
  EXPECT_EQ(listed(html_sections("<html><head><title>t</title><style>p{}</style></head><body><h1>Disk &amp; RAM</h1><script>alert(1)</script>"
                                 "<p>Free  some\nspace.</p><ul><li>one<li>two</ul><h2>More</h2><pre>a  b\nc</pre><table><tr><td>1<td>2</table></body>")),
            "[Disk & RAM] Free some space.\n- one\n- two\n[Disk & RAM > More] a  b\nc\n1 | 2 |\n");
  EXPECT_EQ(html_text("just <b>text</b>"), "just text");
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<div>";
  EXPECT_EQ(html_text(deep + "x"), "x");
  std::string wide = "<p";
  for (int i = 0; i < 200'000; ++i) wide += " a" + std::to_string(i) + "='>'";
  EXPECT_TRUE(html_text(wide + ">x").ends_with("x")) << "in no time";
  const std::string image = "<img src=\"data:image/png;base64," + std::string(4000, '/') + " a b\">";
  EXPECT_EQ(html_text("<h1>Head</h1>" + image + "<p>text"), "Head\ntext") << "one attribute, whatever it holds";
  std::string words = "1 < 2";
  for (int i = 0; i < 1000; ++i) words += " and";
  EXPECT_EQ(html_text("<p>" + words + "</p>"), words);
}

TEST(PlainText, UnderlinedLinesAreHeadings) {
  EXPECT_EQ(listed(plain_sections("Title\n=====\n\ntext\n\nPart\n----\nmore text here\n---\n\nOther\n=====\nend")), "[Title] text\n[Title > Part] more text here\n---\n[Other] end\n");
}

TEST(Mail, PartsEncodingsAndThreads) {
  const Mail mail = parse_mail(
      "From: =?utf-8?Q?Kim_Gr=C3=BCn?= <kim@x.org>\r\nSubject: =?utf-8?B?RGlzayBmdWxs?=\r\nDate: Mon, 30 Nov 2026 10:00:00 +0100\r\n"
      "Message-ID: <b@x>\r\nReferences: <a@x> <c@x>\r\nContent-Type: multipart/mixed; boundary=\"q\"\r\n\r\n--q\r\nContent-Type: multipart/alternative; boundary=r\r\n\r\n"
      "--r\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIt is f=\r\null =E2=80=94 now.\r\n--r\r\nContent-Type: text/html\r\n\r\n<p>It is full</p>\r\n--r--\r\n"
      "--q\r\nContent-Type: image/png; name=\"df.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--q--\r\n");
  EXPECT_EQ(mail.id, "b@x");
  EXPECT_EQ(mail.thread, "a@x");
  EXPECT_EQ(mail.subject, "Disk full");
  EXPECT_EQ(mail.author, "Kim Grün <kim@x.org>");
  EXPECT_EQ(mail.at_us, 1'796'029'200'000'000);
  EXPECT_EQ(mail.text, "It is full — now.");
  EXPECT_EQ(mail.attachments, std::vector<std::string>{"df.png"});
  EXPECT_EQ(split_mbox("From a\nSubject: 1\n\nx\n\nFrom b\nSubject: 2\n\ny\n").size(), 2u);
}

class NoWaiter final : public Waiter {
 public:
  void wait(int, std::chrono::milliseconds, std::function<void()>) override {}
};

class DocumentsTest : public ::testing::Test {
 protected:
  DocumentsTest() {
    options.include = {dir.path("docs")};
    options.place = "book";
    options.scan_ms = 0;
    std::filesystem::create_directories(dir.path("docs/db/.git"));
    start();
  }
  void start() {
    auto made = DocumentConnector::create(options, clock, waiter);
    ASSERT_TRUE(made.is_ok()) << made.status().to_string();
    connector = std::move(made).value();
    journal.resume(*connector);
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(dir.path("docs/" + name)) << text;
  }
  void drain() {
    journal.take(*connector);
    while (journal.take(*connector)) {
    }
  }

  SystemClock clock;
  NoWaiter waiter;
  silt::testing::TempDir dir;
  DocumentConnectorOptions options;
  std::unique_ptr<DocumentConnector> connector;
  Journal journal;
};

TEST_F(DocumentsTest, AChangedFileIsANewVersionOfWhatChanged) {
  write("db/pg.md", "# Postgres\n\n## Lag\n\nwait\n\n## Backup\n\ndump\n");
  write("db/.git/HEAD.md", "# no\n\nhidden\n");
  write("notes.bin", "# no\n\nno document\n");
  drain();
  ASSERT_EQ(journal.records.size(), 2u);
  EXPECT_EQ(journal.records[0].place, "book:db/pg.md#Postgres > Lag");
  EXPECT_EQ(journal.records[0].text, "Postgres > Lag\nwait");
  EXPECT_EQ(journal.records[0].attributes.at("section"), "Postgres > Lag");
  EXPECT_EQ(journal.records[0].attributes.at("document"), "db/pg.md");
  write("db/pg.md", "# Postgres\n\n## Lag\n\nfail over\n\n## Restore\n\nload\n");
  drain();
  const auto current = journal.current();
  ASSERT_EQ(current.size(), 2u);
  EXPECT_EQ(current.at("book:db/pg.md#Postgres > Lag").text, "Postgres > Lag\nfail over");
  EXPECT_EQ(current.at("book:db/pg.md#Postgres > Lag").attributes.at("version"), "2");
  EXPECT_TRUE(current.contains("book:db/pg.md#Postgres > Restore"));
  EXPECT_EQ(journal.records.size(), 5u);
}

TEST_F(DocumentsTest, NothingIsToldTwiceOverRestartsAndUnstoredBatches) {
  for (int i = 0; i < 30; ++i) write("d" + std::to_string(i) + ".md", "# T\n\ntext " + std::to_string(i) + "\n");
  journal.take(*connector, false);  // it was not stored: it comes again
  drain();
  start();
  drain();
  EXPECT_EQ(journal.records.size(), 30u);
  for (const auto& [what, times] : journal.told()) EXPECT_EQ(times, 1) << what;
}

TEST_F(DocumentsTest, WhatIsGoneIsSaidAndAnAbsentFolderLosesNothing) {
  write("a.md", "# A\n\ntext\n");
  write("b.txt", "B\n=\n\ntext\n");
  drain();
  ASSERT_EQ(journal.current().size(), 2u);
  std::filesystem::remove(dir.path("docs/a.md"));
  drain();
  EXPECT_EQ(journal.current().size(), 1u);
  std::filesystem::rename(dir.path("docs"), dir.path("elsewhere"));
  drain();
  EXPECT_EQ(journal.current().size(), 1u);
  EXPECT_NE(connector->stats().last_error.find("check include"), std::string::npos) << connector->stats().last_error;
}

TEST_F(DocumentsTest, AMessageOfAMaildirStaysItselfWhenItIsRead) {
  std::filesystem::create_directories(dir.path("docs/new"));
  std::filesystem::create_directories(dir.path("docs/cur"));
  options.mail = true;
  start();
  write("new/1.x.host", "Subject: hello\nMessage-ID: <m@x>\n\nworld\n");
  drain();
  ASSERT_EQ(journal.records.size(), 1u);
  EXPECT_EQ(journal.records[0].text, "hello\nworld");
  EXPECT_EQ(journal.records[0].attributes.at("ticket"), "m@x");
  std::filesystem::rename(dir.path("docs/new/1.x.host"), dir.path("docs/cur/1.x.host:2,S"));
  drain();
  EXPECT_EQ(journal.records.size(), 1u);
}

TEST_F(DocumentsTest, APdfThatIsNoneCostsItself) {
  write("bad.pdf", "%PDF-1.4 this is no PDF");
  write("good.md", "# A\n\ntext\n");
  drain();
  EXPECT_EQ(journal.records.size(), 1u);
  EXPECT_NE(connector->stats().last_error.find("no PDF that can be read"), std::string::npos) << connector->stats().last_error;
}

// A program that never ends, or says too much, in place of pdftotext.
TEST(Pdf, IsBoundedInTimeAndSize) {
  silt::testing::TempDir dir;
  const auto program = [&](const std::string& body) {
    const std::string path = dir.path("program");
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  };
  const int nothing = ::open("/dev/null", O_RDONLY);
  EXPECT_EQ(pdf_sections(nothing, {.program = program("while :; do :; done"), .seconds = 1}).status().code(), Code::kDataLoss);
  EXPECT_EQ(pdf_sections(nothing, {.program = program("yes"), .text_bytes = 1000}).status().code(), Code::kDataLoss);
  EXPECT_EQ(pdf_sections(nothing, {.program = dir.path("absent")}).status().code(), Code::kFailedPrecondition);
  const auto pages = pdf_sections(nothing, {.program = program("printf 'one\\n\\ftwo\\n'")});
  ASSERT_TRUE(pages.is_ok()) << pages.status().to_string();
  EXPECT_EQ(listed(*pages), "[page 1] one\n[page 2] two\n");
  ::close(nothing);
}

}  // namespace
}  // namespace silt::connectors
