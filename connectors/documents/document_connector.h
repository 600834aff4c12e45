// DocumentConnector: the documents of a folder, or of the working tree of a git checkout, each section as it is
// now. A file that changed is a new version: its sections that differ are told again, in place of the old
// ones, and those that are gone are told to be.
//
// The folder is compared with what was told each scan_ms; a file that did not change costs a stat. What is told and
// the rows that remember it are one batch. Links are not followed, hidden files and folders not entered.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/batch_builder.h"
#include "connectors/connector.h"
#include "connectors/documents/document.h"
#include "connectors/file/globs.h"
#include "connectors/tickets/told.h"
#include "connectors/waiter.h"

namespace silt::connectors {

struct DocumentConnectorOptions {
  std::vector<std::string> include;  // absolute: folders, files or globs
  std::vector<std::string> exclude;  // globs; without a leading slash at any depth
  bool mail = false;                 // all files are mailboxes or messages: mbox, Maildir
  std::string place;                 // what places begin with: "runbooks"
  std::int64_t scan_ms = 10'000;
  std::uint64_t file_bytes_max = 16 << 20;
  std::size_t files_max = 200'000;
  PdfLimits pdf;
};

class DocumentConnector final : public Connector {
 public:
  // `clock` and `waiter` must outlive it.
  static Result<std::unique_ptr<DocumentConnector>> create(DocumentConnectorOptions options, const Clock& clock, Waiter& waiter);

  Status resume(std::span<const CursorRow> rows) override;
  Result<bool> poll(const ReadLimits& limits, Batch& out) override;
  void confirm() override;
  void notify_when_ready(std::function<void()> wake) override;
  ConnectorStats stats() const override;
  std::shared_ptr<const Activity> activity() const override { return activity_; }

 private:
  DocumentConnector(DocumentConnectorOptions options, Globs include, Globs exclude, std::vector<std::string> roots, const Clock& clock,
                    Waiter& waiter);

  struct Found {
    std::string path;
    std::string version;  // size and time
    std::int64_t modified_us = 0;
  };
  void scan();
  void walk(const std::string& folder, std::set<std::string>& there);
  void look_at(const std::string& path, std::set<std::string>& there);
  bool tell_next(BatchBuilder& builder);
  bool tell_file(const Found& file, BatchBuilder& builder);
  void tell_part(const TicketRow& row, const ToldEvent& told, const DocumentPart& part, std::int64_t modified_us, bool gone,
                 StreamWriter& out) const;
  std::string shown(const std::string& path) const;
  void fault(const std::string& path, const Status& status);

  const DocumentConnectorOptions options_;
  const Globs include_, exclude_;
  const std::vector<std::string> roots_;
  const Clock& clock_;
  Waiter& waiter_;
  std::shared_ptr<Activity> activity_ = std::make_shared<Activity>();

  std::map<std::string, TicketRow> rows_;          // of what is stored, by id of the document
  std::map<std::string, TicketRow> unconfirmed_;   // without an id: gone
  std::map<std::string, Found> due_;               // by id
  std::set<std::string> gone_;
  struct Unreadable {
    std::string version, error;
  };
  std::map<std::string, Unreadable> unreadable_;  // by id: not tried again until it changes
  std::int64_t scan_at_us_ = 0;
  bool scanned_ = false;
  ConnectorStats stats_;
};

}  // namespace silt::connectors
