# shellcheck shell=bash disable=SC2034
# Shared by the scripts here: what they need installed, and how silt is built. Sourced, not run.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root (or sudo) to install: ${*: -1}; see scripts/packages.txt"
  fi
}

# Installs what is missing of packages.txt, and removes nothing for it.
install_packages() {
  local wanted=() missing=() package
  mapfile -t wanted < <(grep -v '^#' "$root/scripts/packages.txt")
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "needs Debian 12 packages: ${missing[*]}"
  say "installing ${#missing[@]} packages"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update
  as_root "${apt[@]}" --no-remove --no-install-recommends install "${missing[@]}" >/dev/null ||
    die "could not install: ${missing[*]} (libboost1.81-dev cannot be beside libboost-dev)"
}

# build_silt [TARGET...]: a Release build in build/; everything when no target is named.
build_silt() {
  say "building ${*:-everything} (Release)"
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >"$build.log" 2>&1 ||
    { cat "$build.log" >&2; die "cmake failed"; }
  rm -f "$build.log"
  ninja -C "$build" "$@"
}
