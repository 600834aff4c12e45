#include "daemon/learn/state_archive.h"

#include <utility>

#include "base/log.h"

namespace silt::learn {

Result<ExportedState> StateArchive::export_state(const store::SourceInfo& source, std::uint64_t version) const {
  if (version == 0) SILT_TRY(control_.store_state(source.ref).status());
  SILT_ASSIGN(const store::StateVersionInfo info, states_.version(source, version));
  ExportedState out;
  out.about = {source.tenant, source.name, info.state_version, info.learned_seq, info.written_us, info.backend, info.model_fingerprint, ""};
  StateFile file = out.about;
  SILT_ASSIGN(file.blob, nets_.blob(source.ref, info.learned_seq));
  SILT_ASSIGN(out.bytes, encode_state_file(file, signer()));
  return out;
}

Result<ImportedState> StateArchive::import_state(const store::SourceInfo& source, std::string_view file, bool any_tenant,
                                                 ImportRequest request) const {
  SILT_ASSIGN(StateFile read, decode_state_file(file, signer()));
  const std::string backend = control_.status().backend;
  if (read.weights != weights_)
    return failed_precondition("the state belongs to other weights (" + read.weights + ", here " + weights_ + ")");
  if (read.backend != backend && !crosses_)
    return failed_precondition("the state was learned by backend " + read.backend + ", and here it is " + backend +
                               "; set model.backend, or learn.on_other_backend = \"convert\" to go on from it with the bits of " + backend);
  if (read.tenant != source.tenant && !any_tenant)
    return failed_precondition("the state is of tenant " + read.tenant + ", and the source of " + source.tenant);
  request.source = source.ref;
  request.version = read.version;
  request.blob = std::exchange(read.blob, "");
  ImportedState out;
  SILT_ASSIGN(out.result, control_.import_state(request));
  out.converted = read.backend != backend;
  if (out.converted && !request.dry_run)
    log::warning("state_converted", {{"source", source.name}, {"from", read.backend}, {"to", backend}, {"why", "import"}});
  out.from = std::move(read);
  return out;
}

}  // namespace silt::learn
