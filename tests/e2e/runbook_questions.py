#!/usr/bin/env python3
"""Asks a folder of runbooks questions whose sections are known, and counts those whose section is cited first.

    runbook_questions.py FOLDER SILTD SILT WEIGHTS [--questions runbook_questions.jsonl] [--verbose]

A line of the questions is {"question", "document", "line"}: the section begins with the heading in that line of the
document, whose path is below FOLDER. Exit code 0 when 0.7 of the sections come first.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time


def plain(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def heading(folder, document, line):
    with open(f"{folder}/{document}", errors="replace") as file:
        return plain(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", file.read().split("\n")[line - 1]))


def start(options, work):
    with open(f"{work}/siltd.toml", "w") as file:
        file.write(f"""[store]
path = "{work}/store"
free_mib_min = 0
[model]
weights = "{options.weights}"
[serve]
socket = "{work}/query.sock"
[[source]]
name = "runbooks"
type = "documents"
include = ["{options.folder}"]
mode = "count"
""")
    log = open(f"{work}/siltd.log", "ab")
    return subprocess.Popen([options.siltd, "--config", f"{work}/siltd.toml"], stdout=log, stderr=log)


def ask(options, work, question):
    return subprocess.run([options.silt, "--socket", f"{work}/query.sock", "ask", question], capture_output=True, text=True).stdout


def wait_for_documents(options, work):
    """Until some are there, and nothing new comes for some seconds."""
    before, quiet = "", 0
    while quiet < 4:
        time.sleep(1)
        now = subprocess.run([options.silt, "--socket", f"{work}/query.sock", "sources"], capture_output=True, text=True).stdout
        quiet = quiet + 1 if "runbooks" in now and now == before else 0
        before = now


def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "siltd", "silt", "weights"):
        parser.add_argument(name)
    parser.add_argument("--questions", default=os.path.join(os.path.dirname(__file__), "runbook_questions.jsonl"))
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.folder = os.path.abspath(options.folder)
    work = tempfile.mkdtemp(prefix="silt-runbooks-")
    daemon = start(options, work)
    wait_for_documents(options, work)
    with open(options.questions) as file:
        rows = [json.loads(line) for line in file]
    first = anywhere = 0
    for row in rows:
        answer = ask(options, work, row["question"])
        cited = re.findall(r"^\[\d+\] (runbooks:.*)$", answer, re.M)
        wanted = heading(options.folder, row["document"], row["line"])
        right = [row["document"] + "#" in place and plain(re.split(r"#|> ", place)[-1]).startswith(wanted) for place in cited]
        first += right[:1] == [True]
        anywhere += any(right)
        if options.verbose or right[:1] != [True]:
            print(f"{'right' if right[:1] == [True] else 'WRONG'} {row['question']}\n    wanted {row['document']}: {wanted}\n    cited {cited[:3]}")
            if not cited:
                print("    " + answer[:300].replace("\n", "\n    "))
    daemon.terminate()
    daemon.wait()
    print(f"first {first} of {len(rows)}, cited at all {anywhere}; {work}")
    sys.exit(0 if first >= 0.7 * len(rows) else 1)


if __name__ == "__main__":
    main()
