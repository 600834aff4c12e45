// Every method, by every kind of caller, in every tenant: over a real store with two tenants, requests are
// made from the descriptors, and no reply or failure may hold a word of a tenant where the caller lacks the
// right. A method that is added is tried without a change here.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/log.h"
#include "daemon/access/audit_log.h"
#include "daemon/answer/answer.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/learn/source_admin.h"
#include "daemon/serve/api.h"
#include "daemon/serve/method.h"
#include "daemon/store/rocks_store.h"
#include "tests/serve/fakes.h"

namespace silt::serve {
namespace {

using access::Caller;
using access::Right;
using access::Rights;
using access::Tenants;

// The word is in everything that is of the tenant: names, places, texts, audit entries.
struct World {
  static constexpr std::string_view kTenants[] = {"alphaland", "betaland"};

  World() {
    log::set_sink([](log::Level, std::string_view) {});
    for (const std::string_view tenant : kTenants) add(std::string(tenant));
    for (const store::SourceInfo& info : store->sources()) {
      EXPECT_TRUE(audit->append({.caller = "uid:1", .action = "ResetState", .tenant = info.tenant, .object = info.name,
                                 .outcome = "OK", .detail = info.name}).is_ok());
      const access::TokenRequest request{info.tenant, {Right::kChange}, 3'600'000'000, "of " + info.tenant};
      token_ids[info.tenant] = tokens->create({"uid:0", Tenants::all(), Rights::all()}, request).value().row.id;
    }
  }
  ~World() {
    log::set_sink([](log::Level, std::string_view) {});
  }

  void add(const std::string& tenant) {
    const std::string name = source_of(tenant);
    const store::SourceInfo info = store->open_source(tenant, name, "in").value();
    const std::string text = "accepted visitor of " + tenant + " at door 7, canary 4f9-marigold-" + tenant, place = "/logs/" + tenant;
    store::StreamAppend stream;
    stream.source = info.ref;
    for (int i = 0; i < 3; ++i) {
      store::RecordView record;
      record.arrival_us = 1'700'000'000'000'000 + i;
      record.text = text;
      record.origin.place = place;
      if (i == 2) record.flags = connectors::kRecordGap;
      stream.records.push_back(record);
    }
    stream.delta = {.lines = 3, .bytes = 3 * text.size(), .gaps = 1};
    ASSERT_TRUE(store->append({.streams = {stream}, .cursors = {}}).is_ok());
    learn::FoldLoop fold(*store, *store, clock, {});
    fold.ready({&info.ref, 1});
    ASSERT_TRUE(fold.round().is_ok());
    store::NetCommit commit;
    commit.source = info.ref;
    commit.head.learned_seq = 3;
    commit.head.state_version = 5;
    commit.head.backend = "backend-" + tenant;
    commit.blob = "state of " + tenant;
    std::vector<store::NetCommit> commits;
    commits.push_back(std::move(commit));
    ASSERT_TRUE(store->commit(std::move(commits)).is_ok());
    board.add({.kind = watch::Kind::kNewPattern, .source = info.ref, .pattern = 1, .time_us = 1'700'000'000'000'000, .seq = 1});
  }
  static std::string source_of(std::string_view tenant) { return "web-" + std::string(tenant); }

  testing::TempDir dir;
  SystemClock clock;
  std::unique_ptr<store::RocksStore> store =
      store::RocksStore::open({.database = {.path = dir.path("store")}, .terms_of = learn::terms_of}).value();
  learn::Snapshots snapshots;
  FakeLearner learner;
  std::unique_ptr<answer::Answerer> answerer =
      answer::Answerer::create({*store, *store, *store, *store, snapshots, nullptr, clock}, {}).value();
  learn::StoreAdmin admin{*store, *store, *store, *store, clock, [](store::SourceRef) { return Status::ok(); }};
  learn::StateAdmin states{*store, *store, *store, learner, clock};
  learn::Forgetter forgetter{learn::Forgetter::Parts{*store, *store, *store, *store, learner, admin, clock}};
  learn::StateArchive archive{states, *store, learner, "weights", false, std::nullopt};
  std::unique_ptr<access::AuditLog> audit = access::AuditLog::open(dir.path("audit.log"), *store, clock).value();
  std::unique_ptr<access::Tokens> tokens = access::Tokens::open(dir.path("TOKEN_KEY"), *store, clock).value();
  access::Callers callers{*tokens};
  ManualClock minutes{0};  // so that nobody makes too many changes in one
  access::Quotas quotas{minutes};
  std::map<std::string, std::string> token_ids;  // by tenant
  intake::Feeds feeds;
  watch::Board board{"board"};
  watch::Normals normals{*store, clock};
  const Api api{dependencies()};

  ServerDependencies dependencies() {
    ServerDependencies all{*answerer, *store, *store, *store, admin, states, forgetter, archive, *audit, *tokens, callers, feeds, quotas};
    all.board = &board;
    all.evidence = store.get();
    all.normals = &normals;
    return all;
  }
};

using Texts = std::map<std::string, std::string>;

// A valid request for whatever has fields of these names; it changes nothing that a later one needs.
std::unique_ptr<Message> request_for(const Method& method, const std::string& tenant, const std::string& source,
                                     const Texts& probes = {}) {
  Texts texts = probes;
  texts.merge(Texts{{"tenant", tenant},
                    {"source", source},
                    {"sources", source},
                    {"new_name", source},
                    {"question", "how many visitors?"},
                    {"text", "count words:visitor"},
                    {"pattern", "visitor"},
                    {"line", "accepted visitor"},
                    {"id", "absent"},
                    {"rights", "change"}});
  std::unique_ptr<Message> request = new_request(method);
  const auto* reflection = request->GetReflection();
  using Field = google::protobuf::FieldDescriptor;
  for (int i = 0; i < request->GetDescriptor()->field_count(); ++i) {
    const Field* field = request->GetDescriptor()->field(i);
    const auto text = texts.find(field->name());
    if (field->cpp_type() == Field::CPPTYPE_STRING && text != texts.end()) {
      if (field->is_repeated() && !text->second.empty()) reflection->AddString(request.get(), field, text->second);
      if (!field->is_repeated()) reflection->SetString(request.get(), field, text->second);
    }
    if (field->name() == "version" || field->name() == "from") reflection->SetUInt64(request.get(), field, 5);
    if (field->name() == "recent") reflection->SetBool(request.get(), field, true);
    if (field->name() == "dry_run") reflection->SetBool(request.get(), field, true);
  }
  return request;
}

struct Role {
  std::string name;
  Caller caller;
};

std::vector<Role> roles() {
  const Tenants alpha({"alphaland"}), beta({"betaland"}), both({"alphaland", "betaland"});
  std::vector<Role> out = {{"nobody", Caller("uid:1")},
                           {"asks alpha", {"uid:2", alpha, {Right::kAsk}}},
                           {"changes alpha", {"uid:3", alpha, {Right::kChange}}},
                           {"audits alpha", {"uid:4", alpha, {Right::kAudit}}},
                           {"feeds alpha", {"uid:5", alpha, {Right::kFeed}}},
                           {"everything in alpha", {"uid:6", alpha, Rights::all()}},
                           {"everything in both", {"uid:7", both, Rights::all()}},
                           {"everything everywhere", {"uid:0", Tenants::all(), Rights::all()}}};
  Caller mixed{"uid:8", alpha, {Right::kAsk, Right::kAudit}};
  mixed.grant(beta, {Right::kChange});
  out.push_back({"asks alpha, changes beta", mixed});
  return out;
}

class TenantsTest : public ::testing::Test {
 protected:
  struct Outcome {
    Status status;
    std::string said;  // replies and failure
  };
  Outcome call(const Method& method, const Caller& caller, const Message& request) {
    Outcome out;
    world_.minutes.advance_us(60'000'000);
    out.status = call_method(world_.api, method, {caller, never_}, request, [&](const Message& reply) {
      out.said += reply.DebugString();
      return true;
    });
    out.said += out.status.message();
    return out;
  }
  World world_;
  const std::atomic<bool> never_{false};
};

bool names_a_tenant(const Method& method) {
  return new_request(method)->GetDescriptor()->FindFieldByName("tenant") != nullptr;
}

// What holds all tenants is for those who have the right in all.
bool is_of_all(const Method& method) {
  return method.path.ends_with("/Backup");
}

TEST_F(TenantsTest, NobodySeesOrTouchesWhatIsNotTheirs) {
  int calls = 0, granted = 0;
  // The audit log first: what these very requests name will be in it, in the requesters' own tenant.
  std::vector<Method> order(methods().begin(), methods().end());
  std::stable_partition(order.begin(), order.end(), [](const Method& method) { return method.needs == Right::kAudit; });
  for (const Method& method : order) {
    for (const Role& role : roles()) {
      const Tenants& may = role.caller.tenants(method.needs);
      for (const std::string tenant : {"", "alphaland", "betaland", "absentland", "*"}) {
        for (const std::string_view of : World::kTenants) {
          const std::string source = World::source_of(of);
          const auto request = request_for(method, tenant, source, {{"id", world_.token_ids.at(std::string(of))}});
          const Outcome outcome = call(method, role.caller, *request);
          const std::string what = std::string(method.path) + " by who " + role.name + " in '" + tenant + "' of " + source;
          ++calls;
          const std::string meant = tenant.empty() ? may.only().value_or("default") : tenant;
          const bool refused = may.none() || (is_of_all(method) && !may.every()) || (names_a_tenant(method) && tenant != "*" && !may.sees(meant));
          EXPECT_EQ(outcome.status.code() == Code::kPermissionDenied, refused) << what << ": " << outcome.status.to_string();
          if (outcome.status.is_ok()) ++granted;
          // The name that the request itself held may come back, nothing else of that tenant.
          for (const std::string_view other : World::kTenants) {
            std::string said = outcome.said;
            for (const std::string& own : {source, meant}) {
              for (std::size_t at; (at = said.find(own)) != std::string::npos;) said.erase(at, own.size());
            }
            if (!may.sees(other)) EXPECT_EQ(said.find(other), std::string::npos) << what << ":\n" << outcome.said;
          }
          // A source of another tenant and one that is not there are the same.
          if (!may.none() && !may.sees(of) && !refused && source.find(meant) == std::string::npos) {
            const Outcome absent = call(method, role.caller, *request_for(method, tenant, "web-nowhere"));
            EXPECT_EQ(outcome.status.code(), absent.status.code()) << what;
          }
        }
      }
    }
  }
  std::printf("%d calls, %d granted\n", calls, granted);
  EXPECT_GT(granted, calls / 8);
}

// A canary of each tenant is asked for, by its beginning, through every method that takes a text: who may not see
// its tenant is answered as if it were not there.
TEST_F(TenantsTest, ACanaryIsNotToBeFoundFromOutside) {
  const Caller stranger{"uid:6", Tenants({"alphaland"}), Rights::all()}, owner{"uid:9", Tenants({"betaland"}), Rights::all()};
  const Texts probes = {{"question", "what is canary 4f9-marigold?"},
                        {"text", "list words:marigold"},
                        {"words", "marigold"},
                        {"pattern", "marigold"},
                        {"line", "canary 4f9-marigold-"}};
  int found = 0;
  for (const Method& method : methods()) {
    for (const std::string_view of : World::kTenants) {
      const Outcome outcome = call(method, stranger, *request_for(method, "", World::source_of(of), probes));
      EXPECT_EQ(outcome.said.find("marigold-betaland"), std::string::npos) << method.path << ":\n" << outcome.said;
      const Outcome owned = call(method, owner, *request_for(method, "", World::source_of("betaland"), probes));
      if (owned.said.find("marigold-betaland") != std::string::npos) ++found;
    }
  }
  EXPECT_GE(found, 4);  // by its own tenant it is found, in more ways than one
}

// The other half: with the right, each method answers of the own tenant.
TEST_F(TenantsTest, WhoHasTheRightIsAnswered) {
  const Caller caller{"uid:6", Tenants({"alphaland"}), Rights::all()};
  for (const Method& method : methods()) {
    const Outcome outcome = call(method, caller, *request_for(method, "", World::source_of("alphaland"), {{"id", world_.token_ids.at("alphaland")}}));
    Code expected = is_of_all(method) ? Code::kPermissionDenied : Code::kOk;
    if (method.path.ends_with("/DiffVersions")) expected = Code::kFailedPrecondition;  // there is no model
    if (method.path.ends_with("/ImportState")) expected = Code::kInvalidArgument;      // and no file
    if (method.path.ends_with("/Feed")) expected = Code::kNotFound;                    // nor an input
    if (method.path.ends_with("/MarkNormal")) expected = Code::kInvalidArgument;       // an incident and a source
    if (method.path.ends_with("/RemoveNormal")) expected = Code::kNotFound;
    EXPECT_EQ(outcome.status.code(), expected) << method.path << ": " << outcome.status.to_string();
    const bool tells = outcome.status.is_ok() && names_a_tenant(method);
    if (expected == Code::kNotFound) continue;  // it names what is not there
    if (method.path.ends_with("/ListNormal") || method.path.ends_with("/Digest")) continue;  // there is nothing to tell
    EXPECT_EQ(outcome.said.find("alphaland") != std::string::npos, tells) << method.path << ":\n" << outcome.said;
  }
}

// How many entries others have in the audit log is theirs to know.
TEST_F(TenantsTest, TheAuditLogTellsEachTheirOwn) {
  silt::v1::ListAuditRequest request;
  request.set_tenant("*");
  silt::v1::ListAuditResponse reply;
  const auto list = [&](const Caller& caller) {
    return call_method(world_.api, *find_method("/silt.v1.AuditService/ListAudit"), {caller, never_}, request,
                       [&](const Message& message) {
                         reply.CopyFrom(message);
                         return true;
                       });
  };
  ASSERT_TRUE(list({"uid:4", Tenants({"betaland"}), {Right::kAudit}}).is_ok());
  ASSERT_EQ(reply.entries_size(), 1);
  EXPECT_EQ(reply.entries_verified(), 1u);
  EXPECT_EQ(reply.entries(0).number(), 0u);
  ASSERT_TRUE(list({"uid:0", Tenants::all(), Rights::all()}).is_ok());
  EXPECT_EQ(reply.entries_size(), 2);
  EXPECT_EQ(reply.entries_verified(), 2u);
  EXPECT_EQ(reply.entries(1).number(), 2u);
}

}  // namespace
}  // namespace silt::serve
