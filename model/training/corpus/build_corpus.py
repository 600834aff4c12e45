"""Builds the folder that the model is trained on, from three parts, each of which may be left out:

  python3 build_corpus.py --out DIR [--train DIR] [--packages packages.tsv --debs DIR] [--worlds FIRST:LAST]

--train: a folder of logs, tickets and documents; its two top folders name a group. --packages: documentation of Debian
packages, fetched with `apt-get download` into --debs (kept; found there, nothing is fetched). --worlds: generated
worlds of these seeds. Writes shards and manifest.json (bytes, sha256, source, licence of each); the same input gives
the same bytes.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import convert  # noqa: E402
from shards import Shards, rank  # noqa: E402
from worlds.world import World  # noqa: E402

MEGABYTE = 1_000_000


def train_groups(folder):
    """Files by group: 'logs/somewhere/a/b.log' is of group 'logs-somewhere'."""
    groups = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts = path.relative_to(folder).parts
            groups.setdefault("-".join(parts[:2]) if len(parts) > 2 else parts[0], []).append(path)
    return groups


def add_train(shards, folder, group_cap, file_cap, licences):
    for group, paths in sorted(train_groups(folder).items()):
        paths.sort(key=lambda path: rank(path.relative_to(folder).as_posix()))
        texts = (convert.clean(path.read_bytes()[:file_cap].decode("utf-8", "replace")).encode() for path in paths)
        shards.write("train-" + re.sub(r"[^\w.-]", "_", group), texts, group_cap, group="train-" + group, source="train folder",
                     licence=licences.get(group, "not given"))


def read_packages(path):
    rows = [line.split("\t") for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [(name, version, int(cap)) for name, version, cap in rows]


def fetch(name, version, folder):
    """The package's file; fetched when it is not there."""
    pattern = "%s_%s_*.deb" % (name, version.replace(":", "%3a"))
    if not list(folder.glob(pattern)):
        done = subprocess.run(["apt-get", "download", "%s=%s" % (name, version)], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("%s %s cannot be fetched (an archive drops old versions; see snapshot.debian.org): %s" %
                             (name, version, done.stderr.strip()))
    return next(folder.glob(pattern))


def licences_of(root, name):
    """Short licence names from the package's copyright file, most frequent first."""
    path = root / "usr/share/doc" / name / "copyright"
    if not path.is_file():
        return "no copyright file"
    text = path.read_text("utf-8", "replace")
    names = re.findall(r"^License:[ \t]*(\S.*)$", text, re.M)
    if not names:
        return "free form: see the package's copyright file"
    return ", ".join(sorted(set(names), key=lambda one: (-names.count(one), one))[:8])


def add_package(shards, deb, name, version, cap):
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], check=True)
        paths = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        paths.sort(key=lambda path: rank(path.relative_to(root).as_posix()))
        texts = (convert.document(path).encode() for path in paths)
        return shards.write("docs-" + name, (text for text in texts if len(text) > 400), cap, group="docs",
                            source="Debian package %s %s" % (name, version), licence=licences_of(root, name))


def world_texts(first, last, size):
    for seed in range(first, last):
        for source in World(seed, size).run():
            yield source.text().encode()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = pathlib.Path
    parser.add_argument("--out", type=path, required=True)
    parser.add_argument("--train", type=path)
    parser.add_argument("--train-licences", type=path, help="lines of group, tab, licence")
    parser.add_argument("--group-cap", type=int, default=60 * MEGABYTE)
    parser.add_argument("--file-cap", type=int, default=12 * MEGABYTE)
    parser.add_argument("--packages", type=path)
    parser.add_argument("--package-cap", type=int, help="bytes, for a quick try: smaller than the list's caps")
    parser.add_argument("--debs", type=path, default=path("debs"))
    parser.add_argument("--worlds", help="FIRST:LAST, the last not included")
    parser.add_argument("--world-bytes", type=int, default=MEGABYTE)
    parser.add_argument("--shard-bytes", type=int, default=16 * MEGABYTE)
    return parser.parse_args()


def main():
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    if any(options.out.iterdir()):
        raise SystemExit("%s is not empty" % options.out)
    shards = Shards(options.out, options.shard_bytes)
    if options.train:
        lines = options.train_licences.read_text().splitlines() if options.train_licences else []
        add_train(shards, options.train, options.group_cap, options.file_cap, dict(line.split("\t") for line in lines if line))
    if options.packages:
        options.debs.mkdir(parents=True, exist_ok=True)
        for name, version, cap in read_packages(options.packages):
            add_package(shards, fetch(name, version, options.debs), name, version, min(cap, options.package_cap or cap))
    if options.worlds:
        first, last = map(int, options.worlds.split(":"))
        texts = world_texts(first, last, options.world_bytes)
        shards.write("worlds", texts, 1 << 62, group="worlds", source="worlds, seeds %d to %d" % (first, last - 1), licence="silt's own")
    totals = {}
    for entry in shards.entries:
        totals[entry["group"]] = totals.get(entry["group"], 0) + entry["bytes"]
    manifest = {"version": 1, "totals": totals, "shards": shards.entries}
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    for group, size in sorted(totals.items()):
        print("%-40s %12d" % (group, size))


if __name__ == "__main__":
    main()
