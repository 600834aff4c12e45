#include "daemon/app.h"

#include <malloc.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/code_pages.h"
#include "base/escape.h"
#include "base/log.h"
#include "connectors/asio_waiter.h"
#include "daemon/answer/answer.h"
#include "daemon/assistant/remote_assistant.h"
#include "daemon/answer/meaning/pattern_vectors.h"
#include "daemon/descriptors.h"
#include "daemon/fill_status.h"
#include "daemon/health.h"
#include "daemon/inputs.h"
#include "daemon/intake/intake.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/learn/forgetter.h"
#include "daemon/learn/learn_loop.h"
#include "daemon/learn/source_admin.h"
#include "daemon/learn/state_admin.h"
#include "daemon/learn/state_archive.h"
#include "daemon/make_access.h"
#include "daemon/make_outbox.h"
#include "daemon/safekeeping.h"
#include "daemon/serve/server.h"
#include "daemon/store/disk_room.h"
#include "daemon/store/rocks_store.h"
#include "daemon/telemetry/log_sink.h"
#include "daemon/telemetry/sd_notify.h"
#include "daemon/watch/monitor.h"
#include "daemon/zone.h"
#include "model/cuda/cuda_engine.h"
#include "model/model.h"

namespace silt::daemon {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};

std::string weights_path(const ModelConfigSection& config) {
  if (!config.weights.empty()) return config.weights;
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  return (self.parent_path().parent_path() / "share/silt/silt-23m.safetensors").string();
}

class AppImpl final : public App {
 public:
  AppImpl(const Config& config, const Clock& clock)
      : config_(config), clock_(clock), started_us_(clock.wall_us()) {
    quotas_.configure(quotas_of(config_));
    take_signals();
  }
  ~AppImpl() override { stop_parts(); }

  Status build() {
    say_descriptors();
    SILT_TRY(still_wanted());
    SILT_TRY(open_store());
    SILT_TRY(still_wanted());
    SILT_TRY(open_model());
    SILT_TRY(open_encoder());
    SILT_TRY(still_wanted());
    SILT_TRY(make_intake());
    normals_ = std::make_unique<watch::Normals>(*store_, clock_);
    SILT_ASSIGN(watch::Ledger* const ledger, open_outbox());
    monitor_ = std::make_unique<watch::Monitor>(watch::Monitor::Stores{*store_, *store_, *store_, *store_}, clock_, board_, *normals_, ledger);
    fold_loop_ = std::make_unique<learn::FoldLoop>(*store_, *store_, clock_, fold_options());
    learner_loop_ = std::make_unique<learn::LearnLoop>(*store_, *store_, *store_, *fold_loop_, snapshots_,
                                                       *learner_, model_->tokenizer(), clock_, learn_options());
    admin_ = std::make_unique<learn::StoreAdmin>(*store_, *store_, *store_, *store_, clock_,
                                                 [this](store::SourceRef source) {
                                                   SILT_TRY(fold_loop_->drop(source));
                                                   return learner_loop_->drop(source);
                                                 });
    states_ = std::make_unique<learn::StateAdmin>(*store_, *store_, *store_, *learner_loop_, clock_);
    SILT_ASSIGN(auto signer, state_signer(config_.learn.state_key));
    archive_ = std::make_unique<learn::StateArchive>(*states_, *store_, *learner_loop_, model_->fingerprint().hex(),
                                                     config_.learn.on_other_backend == "convert", std::move(signer));
    forgetter_ = std::make_unique<learn::Forgetter>(learn::Forgetter::Parts{
        *store_, *store_, *store_, *store_, *learner_loop_, *admin_, clock_,
        [this](const std::string& connector) { return inputs_->is_read(connector); }});
    answer::AnswerOptions options;
    options.backend = config_.model.backend;
    options.threads = static_cast<int>(config_.model.threads);
    options.devices = static_cast<int>(config_.model.devices);
    if (const AssistantConfig& with = config_.assistant; !with.url.empty()) {
      SILT_ASSIGN(assistant_, assistant::make_remote_assistant({with.url, with.model, with.credential, with.ca_file, with.proxy, with.time_max_ms}));
    }
    SILT_ASSIGN(answerer_, answer::Answerer::create({*store_, *store_, *store_, *store_, snapshots_, model_, clock_, vectors_.get(), assistant_.get()},
                                                    options));
    return Status::ok();
  }

  Status run() override {
    SILT_TRY(still_wanted());
    SILT_TRY(start_server());  // first: a bad socket is found before anything is read
    learner_loop_->start();
    if (vectors_) vectors_->start(only_counts() ? answer::meaning::PatternVectors::When::kAsked : answer::meaning::PatternVectors::When::kNow);
    outbox_->start();
    monitor_->start();
    fold_loop_->start();
    resuming_ = std::thread([this] { safekeeping_->resume(*forgetter_); });
    intake_->start();
    log::info("ready", {{"version", version()},
                        {"sources", config_.sources.size()},
                        {"store", config_.store.path},
                        {"backend", learner_->backend_name()},
                        {"socket", config_.serve.socket}});
    sd_notify::ready();
    watch();
    trim();
    io_.run();
    signals_.clear();  // from here a second signal has its default effect: the end
    std::signal(SIGHUP, SIG_IGN);
    sd_notify::stopping();
    stop_parts();
    safekeeping_->tell();
    const std::lock_guard lock(fatal_mutex_);
    return fatal_;
  }

 private:
  void take_signals() {
    for (const int signal : kSignals) signals_.add(signal);
    wait_for_signal();
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : kSignals) sigaddset(&held, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &held, nullptr);
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& failed, int signal) {
      if (failed) return;
      if (signal == SIGHUP) {
        sd_notify::reloading();
        reload();
        sd_notify::ready();
        return wait_for_signal();
      }
      log::info("stopping", {{"signal", signal}});
      stop_asked_ = true;
      io_.stop();
    });
  }

  // Between the steps of starting, which can take seconds each.
  Status still_wanted() {
    io_.poll();
    if (stop_asked_) return {Code::kCancelled, "stopped by a signal while starting"};
    const std::lock_guard lock(fatal_mutex_);
    return fatal_;
  }

  void reload() {
    const auto fresh = Config::load(config_.file);
    if (!fresh.is_ok()) return log::error("reload_failed", {{"error", fresh.status().message()}});
    if (fresh->sources.empty()) {
      return log::error("reload_failed", {{"error", config_.file + ": there is no [[source]]"},
                                          {"remedy", "keep one, or stop siltd"}});
    }
    set_log_level(fresh->telemetry.log_level);
    Config others = *fresh;
    others.sources = config_.sources;
    quotas_.configure(quotas_of(*fresh));
    others.quotas = config_.quotas;
    if (const Status changed = reload_access(*fresh); changed.is_ok()) {
      others.access = config_.access;
      others.serve.change_group = config_.serve.change_group;
    }
    std::string waiting;
    for (const std::string& key : changed_keys(config_, others)) {
      if (key != "telemetry.log_level") waiting += (waiting.empty() ? "" : ",") + key;
    }
    log::info("reloaded", {{"log_level", fresh->telemetry.log_level}});
    if (inputs_) inputs_->reload(fresh->sources, *intake_);
    if (fold_loop_) fold_loop_->configure_again();
    if (learner_loop_) learner_loop_->configure_again();
    if (!waiting.empty()) {
      log::warning("reload_incomplete", {{"not_applied", waiting}, {"remedy", "restart siltd"}});
    }
  }

  Status reload_access(const Config& fresh) {
    const Status changed = server_ ? server_->reload(access_options(fresh)) : Status::ok();
    if (!changed.is_ok()) log::error("reload_failed", {{"error", changed.message()}, {"effect", "rights stay as they were"}});
    return changed;
  }

  void say_descriptors() const {
    constexpr std::uint64_t kEnough = 1024;
    log::info("descriptors", {{"limit", descriptors_.limit},
                              {"store", descriptors_.store},
                              {"each_input", descriptors_.each_input}});
    if (descriptors_.limit >= kEnough) return;
    log::warning("few_descriptors", {{"limit", descriptors_.limit},
                                     {"effect", "files are opened and closed more often"},
                                     {"remedy", "raise the hard limit (LimitNOFILE in the unit, ulimit -n)"}});
  }

  Status open_store() {
    store::StoreOptions options;
    options.database.path = config_.store.path;
    options.database.write_buffer_bytes = static_cast<std::uint64_t>(config_.store.write_buffer_mib) << 20;
    options.database.block_cache_bytes = static_cast<std::uint64_t>(config_.store.block_cache_mib) << 20;
    options.database.open_files_max = descriptors_.store;
    options.database.on_background_error = [this](const Status& status) { fail(status); };
    options.terms_of = learn::terms_of;
    options.versions_kept = config_.learn.versions_kept;
    SILT_TRY(store::check_room_to_open(config_.store.path));
    SILT_ASSIGN(store_, store::RocksStore::open(options));
    for (const store::DayUse& use : store_->day_uses()) quotas_.had_read(use.tenant, use.day, use.bytes);
    SILT_ASSIGN(audit_, access::AuditLog::open((std::filesystem::path(config_.store.path) / kAuditFile).string(), *store_, clock_));
    SILT_ASSIGN(tokens_, access::Tokens::open((std::filesystem::path(config_.store.path) / "TOKEN_KEY").string(), *store_, clock_));
    callers_ = std::make_unique<access::Callers>(*tokens_);
    safekeeping_ = std::make_unique<Safekeeping>(*store_, *audit_, clock_);
    safekeeping_->recognize_old();
    return Status::ok();
  }

  Status open_model() {
    const std::string path = weights_path(config_.model);
    auto model = model::Model::open(path);
    // Whatever is wrong with the weights, trying again does not help.
    if (!model.is_ok()) return invalid_argument("model.weights: " + model.status().message());
    model_ = std::move(model).value();
    const model::BackendOptions backend{.name = config_.model.backend,
                                        .threads = static_cast<int>(config_.model.threads),
                                        .devices = static_cast<int>(config_.model.devices)};
    const model::LearnerOptions options{.frozen_scores = config_.learn.frozen_scores,
                                        .crosses = config_.learn.on_other_backend == "convert"};
    // Packed when something is learned: who only counts does not hold the net.
    auto learner = model::Learner::create_deferred(model_, backend, options);
    if (!learner.is_ok()) return invalid_argument("model.backend: " + learner.status().message());
    learner_ = std::move(learner).value();
    const model::BackendOptions processor{.name = "cpu", .threads = backend.threads};
    const auto open_other = [model = model_, processor, options] { return model::Learner::create(model, processor, options); };
    learner_ = model::Learner::with_fallback(std::move(learner_), open_other);
    return Status::ok();
  }

  bool only_counts() const {
    return std::all_of(config_.sources.begin(), config_.sources.end(), [](const auto& source) { return source.mode == "count"; });
  }

  // Without an encoder questions are answered by words alone, so only a file that was asked for must be there.
  Status open_encoder() {
    if (!config_.answer.encoder) return Status::ok();
    const bool named = !config_.answer.encoder_weights.empty();
    const std::string path = named ? config_.answer.encoder_weights
                                   : (std::filesystem::path(weights_path(config_.model)).parent_path() / "minilm-l6.safetensors").string();
    if (!std::filesystem::exists(path)) {
      const std::string message = "there is no " + path;
      if (named) return invalid_argument("answer.encoder_weights: " + message);
      log::warning("no_encoder", {{"error", message}, {"remedy", "set answer.encoder_weights, or answer.encoder = false"}});
      return Status::ok();
    }
    const auto open = [path]() -> Result<std::shared_ptr<const model::Encoder>> {
      SILT_ASSIGN(std::shared_ptr<const model::Encoder> encoder, model::Encoder::open(path));
      return encoder;
    };
    vectors_ = std::make_unique<answer::meaning::PatternVectors>(answer::meaning::PatternVectors::Dependencies{*store_, *store_, *store_, *store_, open});
    return Status::ok();
  }

  // Null: nothing is sent.
  Result<watch::Ledger*> open_outbox() {
    renderer_.emplace(make_renderer(config_, {*store_, *store_, *store_}));
    SILT_ASSIGN(outbox_, make_outbox(config_, {*store_, *store_, *renderer_, clock_, board_.name(), [this](const Status& status) { fail(status); }}));
    SILT_TRY(outbox_->load());
    return config_.alerts.empty() ? nullptr : outbox_.get();
  }

  Status make_intake() {
    intake::IntakeOptions options;
    options.group_ms = config_.intake.group_ms;
    options.limits.record_bytes_max = config_.intake.record_bytes_max;
    options.limits.batch_bytes_max = config_.intake.batch_bytes_max;
    options.has_room = [this] { return disk_room_.has_room(); };
    options.may_read = [this](const std::string& tenant) { return quotas_.may_read(tenant); };
    options.have_read = [this](const std::string& tenant, std::uint64_t bytes) { quotas_.have_read(tenant, bytes); };
    options.may_open = [this](const std::string& tenant, const auto& count) { return quotas_.may_open(tenant, count); };
    options.on_journalled = [this](auto sources) { fold_loop_->ready(sources); };
    options.on_fatal = [this](const Status& status) { fail(status); };
    intake_ = std::make_unique<intake::Intake>(*store_, clock_, std::move(options));
    inputs_ = std::make_unique<Inputs>(config_, descriptors_.limit, clock_, [this] { return connectors::make_asio_waiter(io_); }, feeds_);
    return inputs_->start(*intake_);
  }

  learn::FoldOptions fold_options() {
    learn::FoldOptions options;
    options.zone_of = [this](const store::SourceInfo& info) {
      const std::string zone = inputs_->time_zone(info.connector);
      return zone_of(zone.empty() ? config_.learn.time_zone : zone);
    };
    options.on_folded = [this](auto sources) {
      learner_loop_->ready(sources);
      monitor_->ready(sources);
      if (vectors_) vectors_->ready(sources);
    };
    options.has_room = [this] { return disk_room_.has_room(); };
    options.keep_state = [this](store::SourceRef source) { learner_loop_->keep_state(source); };
    options.on_fatal = [this](const Status& status) { fail(status); };
    options.retention = [this](const store::SourceInfo& info) { return inputs_->retention(info.connector); };
    return options;
  }

  learn::LearnOptions learn_options() {
    const LearnConfig& learn = config_.learn;
    learn::LearnOptions options;
    options.cpu_share = learn.cpu_share;
    options.threads = static_cast<int>(config_.model.threads);
    options.commit_ms = learn.commit_ms;
    options.replay_steps_max = learn.replay_steps_max;
    options.blob_age_s = learn.blob_age_s;
    options.resident_bytes_max = static_cast<std::uint64_t>(learn.resident_mib_max) << 20;
    options.replay_ms_max = learn.replay_ms_max;
    options.backlog_bytes_max = static_cast<std::uint64_t>(learn.backlog_mib_max) << 20;
    options.on_digest_mismatch =
        learn.on_digest_mismatch == "stop" ? learn::OnMismatch::kStop : learn::OnMismatch::kRelearn;
    options.on_other_backend =
        learn.on_other_backend == "convert" ? learn::OnOtherBackend::kConvert : learn::OnOtherBackend::kRelearn;
    options.on_device_loss = config_.model.on_device_loss == "exit" ? learn::OnDeviceLoss::kEnd : learn::OnDeviceLoss::kGoOn;
    options.has_room = [this] { return disk_room_.has_room(); };
    options.states_of_tenant = [this](const std::string& tenant) { return quotas_.of(tenant).resident_states_max; };
    options.on_over_share = [this](const std::string& tenant) { quotas_.have_evicted(tenant); };
    options.model_fingerprint = model_->fingerprint().hex();
    options.on_fatal = [this](const Status& status) { fail(status); };
    options.policy = [this, learn](const store::SourceInfo& info) {
      fold::PolicyConfig policy;
      policy.learn_tokens_per_s = learn.learn_tokens_per_s;
      policy.burst_tokens = learn.burst_tokens;
      policy.new_pattern_learn_count = learn.new_pattern_learn_count;
      policy.mode = inputs_->mode(info.connector);
      return policy;
    };
    return options;
  }

  Status start_server() {
    serve::ServerOptions options;
    options.socket = config_.serve.socket;
    const auto beside = [this](const std::string& path, const char* name) {
      return path.empty() ? (std::filesystem::path(config_.serve.socket).parent_path() / name).string() : path;
    };
    options.admin_socket = beside(config_.serve.admin_socket, "admin.sock");
    if (config_.serve.http) {
      options.http_socket = beside(config_.serve.http_socket, "http.sock");
      options.http_listen = config_.serve.http_listen;
    }
    options.access = access_options(config_);
    options.listen = config_.serve.listen;
    options.tls = tls_files(config_.serve);
    options.socket_mode = static_cast<std::uint32_t>(std::stoul(config_.serve.socket_mode, nullptr, 8));
    options.reader_threads = static_cast<int>(config_.serve.reader_threads);
    options.queue_max = config_.serve.queue_max;
    const serve::ServerDependencies dependencies{
        .answerer = *answerer_,
        .log = *store_,
        .nets = *store_,
        .folds = *store_,
        .admin = *admin_,
        .states = *states_,
        .forgetter = *forgetter_,
        .archive = *archive_,
        .audit = *audit_,
        .tokens = *tokens_,
        .callers = *callers_,
        .feeds = feeds_,
        .quotas = quotas_,
        .fill_status = [this](const access::Tenants& tenants, silt::v1::GetStatusResponse& out) { fill_status(tenants, out); },
        .health = [this] { return health(); },
        .backup = [this](const std::string& directory) { return safekeeping_->back_up(directory); },
        .evidence = store_.get(),
        .board = &board_,
        .normals = normals_.get()};
    SILT_ASSIGN(server_, serve::Server::start(dependencies, options));
    return Status::ok();
  }

  serve::Health health() {
    const learn::LearnerStatus learner = learner_loop_->status();
    const Heartbeat threads[] = {{"intake", "running", intake_->last_progress_us()},
                                 {"fold", "running", fold_loop_->last_progress_us()},
                                 {"learner", learner.state, learner_loop_->last_progress_us()}};
    return health_of(clock_.monotonic_us(), disk_room_.has_room(), threads, intake_->status());
  }

  // Of the whole daemon for who sees all there is; of their own sources and inputs for others.
  void fill_status(const access::Tenants& tenants, silt::v1::GetStatusResponse& out) const {
    out.set_version(version());
    out.set_backends_built(built_backends());
    out.mutable_started()->set_seconds(started_us_ / 1'000'000);
    out.set_model_file(escape_bytes(model_->weights().path()));
    out.set_model_fingerprint(model_->fingerprint().hex());
    out.set_threads(config_.model.threads);
    out.set_cpu_share(config_.learn.cpu_share);
    const learn::LearnerStatus learner = learner_loop_->status();
    out.set_backend(learner.backend);
    if (sees_all(tenants)) {
      out.set_process_rss_bytes(resident_bytes());
      fill_learner(learner, model_->config().minibatch_tokens, out);
    } else {
      fill_backlog(tenants, out);
    }
    fill_quotas(quotas_, tenants, out);
    for (const intake::InputStatus& input : intake_->status()) {
      if (tenants.sees(inputs_->tenant(input.name))) fill_input(input, *out.add_connectors());
    }
    for (auto& alert : outbox_->status([&](const std::string& tenant) { return tenants.sees(tenant); })) *out.add_alerts() = std::move(alert);
  }

  bool sees_all(const access::Tenants& tenants) const {
    const std::vector<store::SourceInfo> sources = store_->sources();
    return std::all_of(sources.begin(), sources.end(), [&](const auto& source) { return tenants.sees(source.tenant); }) &&
           inputs_->all_of([&](const SourceConfig& source) { return tenants.sees(source.tenant); });
  }

  void fill_backlog(const access::Tenants& tenants, silt::v1::GetStatusResponse& out) const {
    for (const store::SourceInfo& info : store_->sources()) {
      if (!tenants.sees(info.tenant)) continue;
      const auto intake = store_->intake_head(info.ref);
      const auto net = store_->net_head(info.ref);
      if (!intake.is_ok() || !net.is_ok()) continue;  // deleted since
      const store::NetHead head = net->value_or(store::NetHead());
      out.set_backlog_records(out.backlog_records() + intake->journal_seq - std::min(head.learned_seq, intake->journal_seq));
      out.set_backlog_bytes(out.backlog_bytes() + intake->bytes - std::min(head.processed_bytes, intake->bytes));
    }
  }

  // Tells systemd that we live, as long as every thread shows signs of it.
  void watch() {
    const std::int64_t interval_us = sd_notify::watchdog_us() / 3;
    if (interval_us == 0) return;
    bool all_alive = true;
    for (const serve::Part& part : health().parts) {
      if (!part.alive) log::error("thread_silent", {{"thread", part.name}});
      all_alive = all_alive && part.alive;
    }
    if (all_alive) sd_notify::alive();
    timer_.expires_after(std::chrono::microseconds(interval_us));
    timer_.async_wait([this](const boost::system::error_code& failed) {
      if (!failed) watch();
    });
  }

  // A start over thousands of files, or a burst, leaves holes in the heap that nothing fills again, full buffers in the
  // store, and code in memory that is not needed now. Once it is quiet, all that goes.
  void trim() {
    constexpr auto kInterval = std::chrono::seconds(30);
    constexpr std::uint64_t kTrimsPerTelling = 20;  // what is told is of all sources, and made anew each time
    constexpr std::size_t kFreeMax = std::size_t{4} << 20, kBufferedMax = std::size_t{1} << 20;
    const bool quiet = store_->flush_when_quiet(kBufferedMax);
    const bool still_quiet = std::exchange(quiet_, quiet) && quiet;
    const bool now_and_then = ++trims_ % kTrimsPerTelling == 0;
    if (now_and_then) safekeeping_->tell();
    if (!still_quiet || now_and_then) {  // to look at the heap takes time, too
      if (::mallinfo2().fordblks > kFreeMax) ::malloc_trim(0);
      if (quiet) drop_code_pages();
    }
    trim_timer_.expires_after(kInterval);
    trim_timer_.async_wait([this](const boost::system::error_code& failed) {
      if (!failed) trim();
    });
  }

  void fail(const Status& status) {
    log::error("fatal", {{"error", status.message()}});
    // The store's library aborts when it is used, or closed, after it ran out of space. What is durable is so
    // already: the next start goes on from there.
    if (status.code() == Code::kResourceExhausted) std::_Exit(exit_code(status));
    {
      const std::lock_guard lock(fatal_mutex_);
      if (fatal_.is_ok()) fatal_ = status;
    }
    io_.stop();
  }

  // Stop polling, let the learner commit, then finish the calls. A second time it does nothing.
  void stop_parts() {
    if (store_) store_->end_scrubs();
    if (intake_) intake_->stop();
    if (fold_loop_) fold_loop_->stop();
    if (learner_loop_) learner_loop_->stop();
    if (resuming_.joinable()) resuming_.join();
    if (vectors_) vectors_->stop();
    if (monitor_) monitor_->stop();
    if (outbox_) outbox_->stop();
    if (server_) server_->stop();
  }

  const Config config_;
  const Clock& clock_;
  const std::int64_t started_us_;
  std::mutex fatal_mutex_;
  Status fatal_;
  boost::asio::io_context io_;
  boost::asio::signal_set signals_{io_};
  bool stop_asked_ = false;  // the thread of create() and run()
  boost::asio::steady_timer timer_{io_};
  boost::asio::steady_timer trim_timer_{io_};
  std::uint64_t trims_ = 0;
  bool quiet_ = false;  // at the last trim
  const DescriptorShares descriptors_ = share_descriptors(raise_descriptor_limit(), config_.sources.size());
  store::DiskRoom disk_room_{config_.store.path, std::uint64_t{config_.store.free_mib_min} << 20, clock_};
  std::unique_ptr<store::RocksStore> store_;
  access::Quotas quotas_{clock_};
  std::unique_ptr<access::AuditLog> audit_;
  std::unique_ptr<access::Tokens> tokens_;
  std::unique_ptr<access::Callers> callers_;
  std::unique_ptr<Safekeeping> safekeeping_;
  std::shared_ptr<const model::Model> model_;
  std::unique_ptr<model::Learner> learner_;
  learn::Snapshots snapshots_;
  std::unique_ptr<answer::meaning::PatternVectors> vectors_;  // null: no encoder
  watch::Board board_{std::to_string(started_us_)};
  std::unique_ptr<watch::Normals> normals_;
  std::optional<outbox::Renderer> renderer_;
  std::unique_ptr<outbox::Outbox> outbox_;
  std::unique_ptr<watch::Monitor> monitor_;
  std::unique_ptr<learn::FoldLoop> fold_loop_;
  std::unique_ptr<learn::LearnLoop> learner_loop_;
  std::unique_ptr<learn::StoreAdmin> admin_;
  std::unique_ptr<learn::StateAdmin> states_;
  std::unique_ptr<learn::StateArchive> archive_;
  std::unique_ptr<learn::Forgetter> forgetter_;
  std::thread resuming_;
  intake::Feeds feeds_;
  std::unique_ptr<Inputs> inputs_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<answer::Assistant> assistant_;  // null: none is configured
  std::unique_ptr<answer::Answerer> answerer_;
  std::unique_ptr<serve::Server> server_;
};

}  // namespace

Result<std::unique_ptr<App>> App::create(const Config& config, const Clock& clock) {
  auto app = std::make_unique<AppImpl>(config, clock);
  SILT_TRY(app->build());
  return std::unique_ptr<App>(std::move(app));
}

void hold_signals() {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : kSignals) sigaddset(&held, signal);
  ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

int exit_code(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
    case Code::kCancelled: return 0;
    case Code::kInvalidArgument:
    case Code::kNotFound: return 78;
    case Code::kPermissionDenied: return 77;
    case Code::kFailedPrecondition:
    case Code::kAlreadyExists:
    case Code::kUnavailable: return 75;
    default: return 74;
  }
}

std::string version() {
  return SILT_VERSION;
}

std::string built_backends() {
  return "cpu, ref, " + model::cuda_build();
}

}  // namespace silt::daemon
