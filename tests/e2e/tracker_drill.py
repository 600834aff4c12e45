#!/usr/bin/env python3
"""Fills a real tracker by its API while siltd reads it and is killed, then compares what stands in siltd's journal
with the tracker's own history.

    tracker_drill.py rt|redmine FOLDER SILTD WEIGHTS [--tickets 500] [--comments 2000] [--kills 20] [--seed 1] [--poll_ms 2000]

Twice siltd is killed at random: while the tracker is filled, and while tickets are deleted and notes are edited that
only its sweep finds.

FOLDER is what `scripts/services rt|redmine start` was given, new; under `faketime -f +2h` it is a tracker whose clock
is wrong. Exit code 0: every change of the history stands once, nothing else does, and nothing was told twice.
"""
import argparse
import collections
import http.cookiejar
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

PEOPLE = ["ann", "bob"]


class Site:
    """JSON over HTTP, with cookies."""

    def __init__(self, url, headers):
        self.url, self.headers = url, headers
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def call(self, method, path, body=None, form=False):
        data = None if body is None else urllib.parse.urlencode(body).encode() if form else json.dumps(body).encode()
        kind = {} if data is None else {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=self.headers | kind)
        with self.opener.open(request, timeout=300) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else None


class Redmine:
    kind, place = "redmine", "rm"
    states = {"1": "New", "2": "In Progress", "5": "Closed"}

    def __init__(self, folder, url, key):
        self.folder = folder
        self.site = Site(url, {"X-Redmine-API-Key": key})
        self.projects = {str(p["id"]): p["name"] for p in self.call("GET", "/projects.json")["projects"]}

    def prepare(self):
        """The projects come with the service."""

    def call(self, method, path, body=None):
        return self.site.call(method, path, body)

    def create(self, subject, text):
        return self.call("POST", "/issues.json", {"issue": {"project_id": "ops", "subject": subject, "description": text}})["issue"]["id"]

    def put(self, ticket, **fields):
        self.call("PUT", f"/issues/{ticket}.json", {"issue": fields})

    def comment(self, ticket, text):
        self.put(ticket, notes=text)

    def changes(self):
        return {"move": lambda t, c: self.put(t, project_id=c.choice(["ops", "web"])),
                "state": lambda t, c: self.put(t, status_id=int(c.choice(list(self.states)))),
                "rename": lambda t, c: self.put(t, subject=f"renamed {c.randrange(10**6)}"),
                "edit": self.edit, "link": self.link, "stamps": self.stamps}

    def journals(self, ticket):
        return self.call("GET", f"/issues/{ticket}.json?include=journals,relations")["issue"]

    def edit(self, ticket, chance):
        """Another wording of a note, or none: then it is gone."""
        notes = [j["id"] for j in self.journals(ticket)["journals"] if j["notes"]]
        if notes:
            text = chance.choice([f"edited {chance.randrange(10**6)}", ""])
            self.call("PUT", f"/journals/{chance.choice(notes)}.json", {"journal": {"notes": text}})

    def link(self, ticket, chance):
        self.call("POST", f"/issues/{ticket}/relations.json", {"relation": {"issue_to_id": chance.randrange(1, ticket + 1), "relation_type": "relates"}})

    def stamps(self, _ticket, _chance):
        """150 tickets, more than a page, changed at one moment, as a bulk edit does."""
        with sqlite3.connect(f"{self.folder}/redmine.sqlite3", timeout=60) as db:
            db.execute("UPDATE issues SET updated_on = (SELECT max(updated_on) FROM issues) WHERE id % 3 = 0 OR id <= 100")

    def delete(self, ticket):
        self.call("DELETE", f"/issues/{ticket}.json")

    def histories(self):
        """By ticket that exists [(kind, author, text)]."""
        ids, offset = [], 0
        while page := self.call("GET", f"/issues.json?status_id=*&limit=100&sort=id&offset={offset}")["issues"]:
            ids += [issue["id"] for issue in page]
            offset += 100
        return {ticket: self.history(ticket) for ticket in ids}

    def history(self, ticket):
        issue = self.journals(ticket)
        journals = issue["journals"]
        first = next((d["old_value"] for j in journals for d in j["details"] if d["name"] == "subject"), issue["subject"])
        links = "".join(f"\nlink: relates #{r['issue_to_id'] if r['issue_id'] == ticket else r['issue_id']}" for r in issue.get("relations", []))
        out = [("created", issue["author"]["name"], "\n".join(filter(None, [first, issue["description"]])) + links)]
        for journal in journals:
            lines = [journal["notes"]] if journal["notes"] else []
            for detail in journal["details"]:
                old, new = detail.get("old_value"), detail.get("new_value")
                if detail["property"] == "relation":
                    lines.append(f"link: {detail['name']} #{new}" if new else f"link: {detail['name']} #{old} (removed)")
                    continue
                name, values = {"status_id": ("state", self.states), "project_id": ("queue", self.projects)}.get(detail["name"], (detail["name"], {}))
                lines.append(f"{name} changed from {values.get(old, old)} to {values.get(new, new)}")
            out.append(("comment" if journal["notes"] else "change", journal["user"]["name"], "\n".join(lines)))
        return out


class RequestTracker:
    kind, place = "rt", "rt"

    def __init__(self, folder, url, key):
        self.site = Site(url, {"Referer": url + "/"})  # else a session may not write
        self.site.call("POST", "/NoAuth/Login.html", {"user": "root", "pass": "password"}, form=True)
        self.folder = folder

    def prepare(self):
        for queue in ("Ops", "Web"):
            self.call("POST", "/queue", {"Name": queue})
        for name in PEOPLE:
            self.call("POST", "/user", {"Name": name, "EmailAddress": f"{name}@example.org", "Privileged": 1})

    def call(self, method, path, body=None):
        return self.site.call(method, "/REST/2.0" + path, body)

    def create(self, subject, text):
        return int(self.call("POST", "/ticket", {"Queue": "Ops", "Subject": subject, "Content": text, "ContentType": "text/plain", "Requestor": f"{PEOPLE[len(text) % 2]}@example.org"})["id"])

    def put(self, ticket, **fields):
        self.call("PUT", f"/ticket/{ticket}", fields)

    def comment(self, ticket, text):
        self.call("POST", f"/ticket/{ticket}/{'comment' if len(text) % 2 else 'correspond'}", {"Content": text, "ContentType": "text/plain"})

    def changes(self):
        return {"move": lambda t, c: self.put(t, Queue=c.choice(["Ops", "Web"])),
                "state": lambda t, c: self.put(t, Status=c.choice(["open", "stalled", "resolved"])),
                "rename": lambda t, c: self.put(t, Subject=f"renamed {c.randrange(10**6)}"),
                "own": lambda t, c: self.put(t, Owner=c.choice(["root", "Nobody"])),
                "priority": lambda t, c: self.put(t, Priority=c.randrange(100)),
                "link": lambda t, c: self.put(t, RefersTo=c.randrange(1, t + 1)),
                "merge": lambda t, c: self.put(t, MergeInto=c.randrange(1, t + 1))}

    def delete(self, ticket):
        self.call("DELETE", f"/ticket/{ticket}")

    @staticmethod
    def link(ticket, kind, uri):
        other = "#" + uri.rsplit("/", 1)[1]
        if kind != "MergedInto":
            return f"link: {kind} {other}"
        return "link: another ticket was merged into this one" if other == f"#{ticket}" else f"link: merged into {other}"

    def name(self, table, number):
        name = self.db.execute(f"SELECT Name FROM {table} WHERE id = ?", (number,)).fetchone()[0]
        return "(none)" if name == "Nobody" else name

    def text(self, transaction):
        rows = self.db.execute("SELECT Content FROM Attachments WHERE TransactionId = ? AND ContentType = 'text/plain' AND Content != '' ORDER BY id", (transaction,))
        return "\n".join(row[0].decode() if isinstance(row[0], bytes) else row[0] for row in rows)

    def histories(self):
        """From its tables: what a ticket that was merged was before, no call tells."""
        self.db = sqlite3.connect(f"file:{self.folder}/var/rt.sqlite3?mode=ro", uri=True)
        rows = self.db.execute("SELECT t.id FROM Tickets t JOIN Tickets e ON e.id = t.EffectiveId WHERE t.Type = 'ticket' AND e.Status != 'deleted'").fetchall()
        return {row[0]: self.history(row[0]) for row in rows}

    def history(self, ticket):
        subject = self.db.execute("SELECT a.Subject FROM Attachments a JOIN Transactions t ON t.id = a.TransactionId WHERE t.ObjectType = 'RT::Ticket' AND t.ObjectId = ? AND t.Type = 'Create' ORDER BY a.id", (ticket,)).fetchone()[0]
        rows = self.db.execute("SELECT id, Type, Field, OldValue, NewValue, Creator FROM Transactions WHERE ObjectType = 'RT::Ticket' AND ObjectId = ? ORDER BY id", (ticket,)).fetchall()
        out, state = [], "(none)"
        for number, kind, field, old, new, creator in rows:
            text = None
            if kind == "SetWatcher":
                continue  # of an owner, who has another transaction of his own
            if kind == "Create":
                text = subject + "\n" + self.text(number)
            elif kind in ("Comment", "Correspond"):
                text = self.text(number)
            elif kind == "AddLink":
                text = self.link(ticket, field, new)
                if text.startswith("link: merged into"):
                    text = f"state changed from {state} to merged\n" + text
            elif kind == "DeleteLink":  # by a merge: what refers to both refers to one
                text = self.link(ticket, field, old) + " (removed)"
            elif kind == "Status":
                state = new
                text = f"state changed from {old} to {new}"
            elif field in ("Queue", "Owner"):
                old, new = (self.name("Queues" if field == "Queue" else "Users", value) for value in (old, new))
                text = f"{field.lower()} changed from {old} to {new}"
            elif field in ("Subject", "Priority"):
                text = f"{field.lower()} changed from {old} to {new}"
            if text is not None:
                said = {"Create": "created", "Comment": "comment", "Correspond": "comment"}.get(kind, "change")
                out.append((said, self.name("Users", creator), text))
        return out


class Filler:
    """Tickets, comments and all else that happens to tickets, by several threads. Refusals are counted: the truth
    is the tracker's history."""

    def __init__(self, make, options):
        self.make, self.options = make, options
        self.tickets, self.refused, self.done = [], collections.Counter(), 0
        self.lock = threading.Lock()

    def attempt(self, name, action):
        try:
            return action()
        except urllib.error.HTTPError as error:
            with self.lock:
                self.refused[f"{name} {error.code}"] += 1
            return None

    def run(self, tracker, part, parts):
        chance = random.Random(self.options.seed * 100 + part)
        changes = tracker.changes()
        for n in range(part, self.options.tickets, parts):
            ticket = self.attempt("create", lambda n=n: tracker.create(f"drill {n}", f"text of {n} mark-{n}-x"))
            if ticket:
                self.tickets.append(ticket)
        for n in range(part, self.options.comments, parts):
            ticket = chance.choice(self.tickets)
            self.attempt("comment", lambda t=ticket, n=n: tracker.comment(t, f"comment {n} said-{n}-x"))
            if n % 4 == 0:
                name = chance.choice(list(changes))
                if name in ("merge", "stamps") and n % 8 != 0:
                    name = "state"
                self.attempt(name, lambda t=ticket, name=name: changes[name](t, chance))
            if n % (self.options.comments // 3 + 1) == 50:
                self.attempt("delete", lambda t=ticket: tracker.delete(t))

    def run_behind(self, tracker):
        """What no list of changes shows, where the tracker has such."""
        chance = random.Random(self.options.seed)
        edit = tracker.changes().get("edit", lambda ticket, _: tracker.comment(ticket, "late"))
        for n in range(self.options.comments // 50):
            ticket = chance.choice(self.tickets)
            self.attempt("edit", lambda t=ticket: edit(t, chance))
            if n % 8 == 4:
                self.attempt("delete", lambda t=ticket: tracker.delete(t))

    def start(self, parts):
        self.launch([threading.Thread(target=self.run, args=(self.make(), part, parts), daemon=True) for part in range(parts)])

    def start_behind(self):
        self.launch([threading.Thread(target=self.run_behind, args=(self.make(),), daemon=True)])

    def launch(self, threads):
        self.threads = threads
        for thread in self.threads:
            thread.start()

    def busy(self):
        return any(thread.is_alive() for thread in self.threads)


class Siltd:
    def __init__(self, options, kind, url):
        self.options, self.kind, self.url = options, kind, url
        self.folder = tempfile.mkdtemp(prefix="silt-drill-")
        self.log = open(f"{self.folder}/siltd.log", "ab")

    def start(self, sweep_ms):
        """Returns when it is ready to be killed: what dies while it starts has read nothing."""
        with open(f"{self.folder}/siltd.toml", "w") as file:
            file.write(f"""[store]
path = "{self.folder}/store"
free_mib_min = 0
[model]
weights = "{self.options.weights}"
[serve]
socket = "{self.folder}/query.sock"
[[source]]
name = "drill"
type = "{self.kind}"
url = "{self.url}"
credential = "{self.options.folder}/key"
mode = "count"
poll_ms = {self.options.poll_ms}
sweep_ms = {sweep_ms}
""")
        socket = f"{self.folder}/query.sock"
        if os.path.exists(socket):
            os.unlink(socket)
        self.process = subprocess.Popen([self.options.siltd, "--config", f"{self.folder}/siltd.toml"], stdout=self.log, stderr=self.log)
        while not os.path.exists(socket):
            if self.process.poll() is not None:
                sys.exit(f"siltd ended with {self.process.returncode}: see {self.folder}/siltd.log")
            time.sleep(0.05)

    def end(self, with_signal):
        self.process.send_signal(with_signal)
        return self.process.wait()

    def export(self):
        out = subprocess.run([self.options.siltd, "--export", f"{self.folder}/store"], capture_output=True, check=True).stdout
        return [json.loads(line) for line in out.splitlines()]


def standing(records):
    """By ticket the (kind, author, text) that stand, and the (place, version) that were told more than once; what
    does not stand cannot be deleted."""
    told, stand, twice = collections.Counter(), {}, []
    for record in records:
        attributes = record.get("attributes", {})
        told[record["place"], attributes["version"]] += attributes["version"] != "deleted"
        if attributes["version"] == "deleted":
            if stand.pop(record["place"], None) is None:
                twice.append((record["place"], "deleted"))
        else:
            stand[record["place"]] = (attributes["kind"], attributes.get("author", ""), record["text"])
    by_ticket = collections.defaultdict(collections.Counter)
    for place, event in stand.items():
        by_ticket[int(place.split("#")[1].split("/")[0])][event] += 1
    return by_ticket, twice + [name for name, times in told.items() if times > 1]


def differences(truth, records):
    by_ticket, twice = standing(records)
    missing, extra = [], []
    for ticket in truth.keys() | by_ticket.keys():
        missing += [(ticket, event) for event in (truth.get(ticket, collections.Counter()) - by_ticket[ticket]).elements()]
        extra += [(ticket, event) for event in (by_ticket[ticket] - truth.get(ticket, collections.Counter())).elements()]
    return missing, extra, twice


def kill_while(filler, siltd, killer, kills_min, sweep_ms):
    """Short lives, and some in which much is told; returns how many."""
    kills = 0
    while filler.busy() or kills < kills_min:
        siltd.start(sweep_ms)
        time.sleep(killer.uniform(0, killer.choice([2, 10, 60])))
        siltd.end(signal.SIGKILL)
        kills += 1
    return kills


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["rt", "redmine"])
    for name in ("folder", "siltd", "weights"):
        parser.add_argument(name)
    parser.add_argument("--tickets", type=int, default=500)
    parser.add_argument("--comments", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--poll_ms", type=int, default=2000)
    parser.add_argument("--settle_s", type=int, default=900)
    options = parser.parse_args()
    with open(f"{options.folder}/url") as file:
        url = file.read().strip()
    with open(f"{options.folder}/key") as file:
        key = file.read().strip()
    make = lambda: (Redmine if options.kind == "redmine" else RequestTracker)(options.folder, url, key)
    filler, siltd, killer = Filler(make, options), Siltd(options, options.kind, url), random.Random(options.seed)
    tracker = make()
    filler.attempt("prepare", tracker.prepare)  # refused, where it was done before
    filler.start(parts=3)
    kills = kill_while(filler, siltd, killer, options.kills, sweep_ms=600_000)
    filler.start_behind()
    late = kill_while(filler, siltd, killer, options.kills // 2, sweep_ms=2_000)
    print(f"filled: {len(filler.tickets)} tickets, refused {dict(filler.refused)}, {kills} kills and {late} while it swept; {siltd.folder}", flush=True)
    siltd.start(sweep_ms=2_000)  # the last life finds what no list shows
    truth = {ticket: collections.Counter(events) for ticket, events in tracker.histories().items()}
    end = time.time() + options.settle_s
    while True:
        records = siltd.export()
        missing, extra, twice = differences(truth, records)
        if twice or not (missing or extra) or time.time() > end:
            break
        time.sleep(5)
    code = siltd.end(signal.SIGTERM)
    gone = len(set(filler.tickets) - truth.keys())
    print(f"{options.kind}: {len(records)} records, {sum(t.total() for t in truth.values())} events of {len(truth)} tickets, {gone} tickets gone; "
          f"missing {len(missing)}, not in the history {len(extra)}, told twice {len(twice)}; siltd ended with {code}")
    for what, each in (("missing", missing), ("extra", extra), ("twice", twice)):
        for one in each[:5]:
            print(f"{what}: {one}")
    sys.exit(0 if truth and not missing and not extra and not twice and code == 0 else 1)


if __name__ == "__main__":
    main()
