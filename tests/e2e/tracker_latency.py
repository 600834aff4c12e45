#!/usr/bin/env python3
"""How long after a comment was written to a real RT it is answered, at the default poll and learning.

    tracker_latency.py FOLDER SILTD SILT WEIGHTS [--times 10]

FOLDER is what `scripts/services rt start` was given. Exit code 0: each within 10 s.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

from tracker_drill import RequestTracker


def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "siltd", "silt", "weights"):
        parser.add_argument(name)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    with open(f"{options.folder}/url") as file:
        url = file.read().strip()
    tracker = RequestTracker(options.folder, url, "")
    work = tempfile.mkdtemp(prefix="silt-latency-")
    with open(f"{work}/siltd.toml", "w") as file:
        file.write(f"""[store]
path = "{work}/store"
free_mib_min = 0
[model]
weights = "{options.weights}"
[serve]
socket = "{work}/query.sock"
[[source]]
name = "support"
type = "rt"
url = "{url}"
credential = "{options.folder}/key"
""")
    log = open(f"{work}/siltd.log", "ab")
    daemon = subprocess.Popen([options.siltd, "--config", f"{work}/siltd.toml"], stdout=log, stderr=log)

    def answer(question):
        return subprocess.run([options.silt, "--socket", f"{work}/query.sock", "ask", question], capture_output=True, text=True).stdout

    def until_answered(word, limit_s):
        begin = time.monotonic()
        while time.monotonic() - begin < limit_s:
            if f"\n[1] rt:#{ticket}/" in answer(f"which ticket mentions {word}?"):
                return time.monotonic() - begin
            time.sleep(0.1)
        return None

    ticket = tracker.create("a ticket for latency", "caughtup9911 is its first word")
    if until_answered("caughtup9911", 1200) is None:
        sys.exit(f"siltd never caught up: see {work}/siltd.log")
    took = []
    for n in range(options.times):
        word = f"late{n}{os.getpid()}"
        tracker.comment(ticket, f"It says {word} now.")
        took.append(until_answered(word, 60) or 60)
    daemon.terminate()
    daemon.wait()
    took.sort()
    print(f"answered after s: median {took[len(took) // 2]:.1f}, worst {took[-1]:.1f}, of {len(took)}; {work}")
    sys.exit(0 if took[-1] <= 10 else 1)


if __name__ == "__main__":
    main()
