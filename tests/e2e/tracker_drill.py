#!/usr/bin/env python3
"""Fills a real tracker by its API while siltd reads it and is killed, and checks that each change was told once.

    tracker_drill.py rt|redmine URL KEYFILE SILTD WEIGHTS [--tickets 500] [--comments 2000] [--kills 20] [--seed 1]

URL and KEYFILE are what `scripts/services ... start` prints. Exit code 0: every change once, none lost.
"""
import argparse
import base64
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request


class Redmine:
    kind, place = "redmine", "rm"

    def __init__(self, url, key):
        self.url, self.key = url, key

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=json.dumps(body).encode() if body else None,
                                         headers={"X-Redmine-API-Key": self.key, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
            return json.loads(text) if text.strip() else None

    def create(self, subject, text):
        return self.call("POST", "/issues.json", {"issue": {"project_id": "ops", "subject": subject, "description": text}})["issue"]["id"]

    def comment(self, ticket, text):
        self.call("PUT", f"/issues/{ticket}.json", {"issue": {"notes": text}})

    def move(self, ticket, n):
        self.call("PUT", f"/issues/{ticket}.json", {"issue": {"project_id": "web" if n % 2 else "ops"}})

    def close(self, ticket, n):
        self.call("PUT", f"/issues/{ticket}.json", {"issue": {"status_id": 5 if n % 2 else 2}})

    def delete(self, ticket):
        self.call("DELETE", f"/issues/{ticket}.json")


class RequestTracker:
    kind, place = "rt", "rt"

    def __init__(self, url, key):
        self.url, self.key = url, key

    def call(self, method, path, body=None):
        auth = "token " + self.key if ":" not in self.key else "Basic " + base64.b64encode(self.key.encode()).decode()
        request = urllib.request.Request(self.url + "/REST/2.0" + path, method=method, data=json.dumps(body).encode() if body else None,
                                         headers={"Authorization": auth, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
            return json.loads(text) if text.strip() else None

    def create(self, subject, text):
        return self.call("POST", "/ticket", {"Queue": "General", "Subject": subject, "Content": text, "ContentType": "text/plain"})["id"]

    def comment(self, ticket, text):
        self.call("POST", f"/ticket/{ticket}/comment", {"Content": text, "ContentType": "text/plain"})

    def move(self, ticket, n):
        self.call("PUT", f"/ticket/{ticket}", {"Subject": f"drill renamed {n}"})

    def close(self, ticket, n):
        self.call("PUT", f"/ticket/{ticket}", {"Status": "resolved" if n % 2 else "open"})

    def delete(self, ticket):
        self.call("DELETE", f"/ticket/{ticket}")


def fill(tracker, options, chance, written, deleted):
    """Marks that must be told once: `written`; tickets that are gone at the end: `deleted`."""
    tickets = []
    for n in range(options.tickets):
        mark = f"made-{n}-x"
        tickets.append(tracker.create(f"drill {n} {mark}", f"text of {n}"))
        written.add(mark)
    for n in range(options.comments):
        ticket = chance.choice(tickets)
        mark = f"said-{n}-x"
        tracker.comment(ticket, f"comment {mark}")
        written.add(mark)
        if n % 10 == 3:
            tracker.close(ticket, n // 10)
        if n % 25 == 7:
            tracker.move(ticket, n // 25)
    victim = tickets[0]
    tracker.delete(victim)
    deleted.add(victim)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["rt", "redmine"])
    for name in ("url", "key", "siltd", "weights"):
        parser.add_argument(name)
    parser.add_argument("--tickets", type=int, default=500)
    parser.add_argument("--comments", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with open(options.key) as file:
        key = file.read().strip()
    tracker = (Redmine if options.kind == "redmine" else RequestTracker)(options.url, key)
    folder = tempfile.mkdtemp(prefix="silt-drill-")
    config = f"""[store]
path = "{folder}/store"
free_mib_min = 0
[model]
weights = "{options.weights}"
[serve]
socket = "{folder}/query.sock"
[[source]]
name = "drill"
type = "{tracker.kind}"
url = "{options.url}"
credential = "{options.key}"
mode = "count"
poll_ms = 500
"""
    with open(f"{folder}/siltd.toml", "w") as file:
        file.write(config)
    written, deleted = set(), set()
    filler = threading.Thread(target=fill, args=(tracker, options, chance, written, deleted), daemon=True)
    filler.start()
    kills = 0
    log = open(f"{folder}/siltd.log", "ab")

    def start():
        """Ready to be killed: what dies while it starts has read nothing."""
        socket = f"{folder}/query.sock"
        if os.path.exists(socket):
            os.unlink(socket)
        process = subprocess.Popen([options.siltd, "--config", f"{folder}/siltd.toml"], stdout=log, stderr=log)
        while not os.path.exists(socket) and process.poll() is None:
            time.sleep(0.05)
        return process

    daemon = start()
    killer = random.Random(options.seed + 1)
    while filler.is_alive() or kills < options.kills:
        time.sleep(killer.uniform(0.2, 4))
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        kills += 1
        daemon = start()
    last = 0
    settled = time.time()
    while time.time() - settled < 30:  # until nothing more comes
        size = sum(os.path.getsize(os.path.join(folder, "store", name)) for name in os.listdir(f"{folder}/store") if os.path.exists(os.path.join(folder, "store", name)))
        if size != last:
            last, settled = size, time.time()
        time.sleep(1)
    daemon.send_signal(signal.SIGTERM)
    code = daemon.wait()
    out = subprocess.run([options.siltd, "--export", f"{folder}/store"], capture_output=True, check=True).stdout.decode()
    told, marks, gone = {}, {}, set()
    for line in out.splitlines():
        record = json.loads(line)
        attributes = record.get("attributes", {})
        name = (record["place"], attributes["version"])
        told[name] = told.get(name, 0) + 1
        if attributes["version"] == "deleted":
            gone.add(attributes["ticket"])
        for word in record["text"].replace("\n", " ").split():
            if word.endswith("-x") and attributes["kind"] in ("created", "comment") and attributes["version"] == "1":
                marks[word] = marks.get(word, 0) + 1
    twice = [name for name, times in told.items() if times > 1]
    lost = sorted(written - set(marks))
    repeated = [mark for mark, times in marks.items() if times > 1]
    print(f"{options.kind}: {len(told)} records of {options.tickets} tickets, {len(written)} marks, {kills} kills; "
          f"twice {len(twice)}, lost {len(lost)}, marks repeated {len(repeated)}, deletions told {len(gone)} of {len(deleted)}; siltd ended with {code}; {folder}")
    for each in (twice[:5], lost[:5], repeated[:5]):
        if each:
            print(each)
    sys.exit(0 if not twice and not lost and not repeated and code == 0 else 1)


if __name__ == "__main__":
    main()
