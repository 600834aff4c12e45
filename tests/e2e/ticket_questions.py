#!/usr/bin/env python3
"""Asks fifty questions about tickets: over a real RT that this fills with invented tickets and, where one is given,
those of a CSV (issuekey,title,description), a folder of runbooks and a log. Truths are computed from what was filled in.

    ticket_questions.py FOLDER SILTD SILT WEIGHTS [--tickets CSV] [--take 150] [--verbose]

FOLDER is what `scripts/services rt start` was given, new. Prints a table by kind of question; exit code 0 when 0.6
of the answers are right.
"""
import argparse
import csv
import datetime
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

DAY = 86400
PEOPLE = ["ann", "bob", "cal", "dora", "eli"]
HOSTS = ["db1", "db2", "db3", "web1", "web2", "mail1", "cache1"]
# word, subject, what the reporter says, the error, heading and text of the runbook
TROUBLES = [
    ("disk", "Disk full on {h}", "Writes fail, there is no room left.", "EXT4-fs error (device sda1): no space left on device", "Disk full", "Delete old dumps below /var/dumps, then run fstrim."),
    ("login", "Login fails on {h}", "Nobody can sign in since this morning.", "pam_unix(sshd:auth): authentication failure for new session", "Login failures", "Look at the directory server first."),
    ("replication", "Replication lag on {h}", "The replica shows orders of an hour ago.", "standby receiver terminated: requested segment has already been removed", "Replication lag", "Rebuild the standby from a base backup."),
    ("certificate", "Certificate expired on {h}", "Browsers warn about the page.", "TLS handshake rejected: certificate has expired", "Expired certificates", "Renew it with the internal authority."),
    ("backup", "Backup did not finish on {h}", "The nightly job is still running.", "tape writer aborted: medium error on slot drive", "Backups", "Clean the drive and start the job by hand."),
    ("queue", "Queue stuck on {h}", "Mails wait for hours.", "qmgr deferred: too many connections to relay", "Stuck queues", "Flush the queue after the relay is back."),
    ("queries", "Slow queries on {h}", "The report takes ten minutes.", "planner cancelled statement due to statement timeout", "Slow queries", "Run analyze on the large tables."),
    ("memory", "Out of memory on {h}", "The process is killed each night.", "oom-killer invoked: score of worker process too high", "Memory", "Lower the number of workers."),
]

SEED = r"""
use RT -init; use JSON; use MIME::Entity;
sub text { local $/; open my $in, '<', $_[0] or die; <$in> }
my $seed = decode_json(text($ARGV[0]));
for my $name (@{$seed->{people}}) {
  my $user = RT::User->new(RT->SystemUser);
  $user->Create(Name => $name, EmailAddress => "$name\@example.org", Privileged => 1);
  $user->PrincipalObj->GrantRight(Right => 'SuperUser', Object => RT->System);
}
for (@{$seed->{queues}}) { RT::Queue->new(RT->SystemUser)->Create(Name => $_) }
my $last = 0;
for my $one (@{$seed->{tickets}}) {
  my $as = sub { my $user = RT::CurrentUser->new(RT->SystemUser); $user->Load($_[0]); $user };
  my $ticket = RT::Ticket->new($as->($one->{by}));
  my ($id, $transaction, $message) = $ticket->Create(Queue => $one->{queue}, Subject => $one->{subject}, Requestor => ["$one->{by}\@example.org"],
    MIMEObj => MIME::Entity->build(Type => 'text/plain', Charset => 'UTF-8', Data => [Encode::encode('UTF-8', $one->{text})]));
  die "$message" unless $id;
  my $at = sub {
    $RT::Handle->dbh->do("UPDATE Transactions SET Created = ? WHERE ObjectType = 'RT::Ticket' AND ObjectId = ? AND id > ?", {}, $_[0], $id, $last);
    ($last) = $RT::Handle->dbh->selectrow_array("SELECT max(id) FROM Transactions");
  };
  $at->($one->{at});
  for my $event (@{$one->{events}}) {
    my $now = RT::Ticket->new($as->($event->{by}));
    $now->Load($id);
    my ($ok, $why) = $event->{do} eq 'comment' ? $now->Comment(Content => $event->{value}) : $event->{do} eq 'owner' ? $now->SetOwner($event->{value}) : $now->SetStatus($event->{value});
    die "$why" unless $ok;
    $at->($event->{at});
  }
  print "$id\n";
}
"""


def stamp(us):
    return datetime.datetime.fromtimestamp(us, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


class Ticket:
    """One that was invented; times in seconds since 1970."""

    def __init__(self, chance, now, trouble, host):
        self.word, subject, text, self.error, _, _ = trouble
        self.host, self.subject = host, subject.format(h=host)
        self.by, self.owner = chance.sample(PEOPLE, 2)
        self.opened = int(now - chance.uniform(3, 30) * DAY)
        self.closed = int(self.opened + chance.uniform(0.1, 0.9) * (now - self.opened)) if chance.random() < 0.55 else None
        self.closer = chance.choice(PEOPLE)
        self.code = f"E{chance.randrange(10000, 99999)}"
        # The error is told of one ticket of its kind in two.
        said = f"{text} The log says: {self.error}" if chance.random() < 0.5 else text
        self.events = [("owner", self.owner, self.owner, self.opened + 60), ("comment", self.owner, f"The controller answers {self.code} when it is asked.", self.opened + 600)]
        if self.closed:
            self.events.append(("status", self.closer, "resolved", self.closed))
        self.row = {"queue": "Ops", "subject": self.subject, "text": said, "by": self.by, "at": stamp(self.opened),
                    "events": [{"do": do, "by": by, "value": value, "at": stamp(at)} for do, by, value, at in self.events]}
        self.says_error = said != text


def plain_row(row, now):
    return {"queue": "Imported", "subject": f"{row['issuekey']} {row['title']}"[:200], "text": row["description"] or "-", "by": "eli", "at": stamp(now - 90 * DAY), "events": []}


class Answer:
    def __init__(self, out):
        self.text = out.get("answer", "")
        self.first = self.text.split("\n")[0]
        self.places = re.findall(r"^(?:\[\d+\] )(\S+)", self.text, re.M)
        self.tickets = list(dict.fromkeys(int(n) for place in self.places for n in re.findall(r"^rt:#(\d+)/", place)))


def seconds_of(text):
    """Of "3 d 4 h", at the beginning of an answer."""
    units = {"d": DAY, "h": 3600, "min": 60, "m": 60, "s": 1, "ms": 0.001, "day": DAY, "days": DAY, "hour": 3600, "hours": 3600, "minutes": 60, "minute": 60, "week": 7 * DAY, "weeks": 7 * DAY}
    total, rest = 0.0, text
    while match := re.match(r"\s*(?:and )?(\d+(?:\.\d+)?) ?([a-z]+)\b,?", rest):
        if match[2] not in units:
            break
        total += float(match[1]) * units[match[2]]
        rest = rest[match.end():]
    return total


def is_set(wanted):
    return lambda answer: set(answer.tickets) == set(wanted)


def is_between(wanted, also):
    return lambda answer: set(wanted) <= set(answer.tickets) <= set(wanted) | set(also)


def is_count(wanted):
    """Of a list that may be longer than what is shown."""
    return lambda answer: answer.first.startswith(f"{len(wanted)} ") and set(answer.tickets) <= set(wanted) and (answer.tickets or not wanted)


def leads_with(*wanted):
    return lambda answer: answer.tickets[:1] and answer.tickets[0] in wanted


def names(person):
    return lambda answer: person in answer.first.split("(")[0].replace(",", " ").split()


def lasts(seconds):
    return lambda answer: abs(seconds_of(answer.first) - seconds) <= max(60, 0.02 * seconds)


def joins(ticket, section):
    """A ticket that tells of it, the runbook's section and the line of the log."""
    return lambda answer: set(answer.tickets) & ticket and any(section in line for line in answer.text.split("\n") if "runbooks:" in line) and any(place.startswith("syslog") for place in answer.places)


def day_start(now):
    return now - now % DAY


def questions(tickets, imported, rows, chance, now):
    """(kind, question, whether an answer is right)"""
    by_id = {t.id: t for t in tickets}
    open_ones, closed_ones = [t for t in tickets if not t.closed], [t for t in tickets if t.closed]
    out = []
    forms = ["what is open about the {w} on {h}?", "any open tickets about the {w} of {h}?", "what's still open on {h} about {w}?"]
    for n, t in enumerate(chance.sample(open_ones, 4)):
        out.append(("open", forms[n % 3].format(w=t.word, h=t.host), is_set([t.id])))
    for word in chance.sample(sorted({t.word for t in open_ones}), 2):
        also = [imported[r["issuekey"]] for r in rows if word in (r["title"] + (r["description"] or "")).lower()]
        out.append(("open", f"which {word} tickets are open?", is_between([t.id for t in open_ones if t.word == word], also)))
    forms = ["who reported the {w} problem on {h}?", "who opened the ticket about {w} on {h}?", "who filed the {w} issue on {h}?"]
    for n, t in enumerate(chance.sample(tickets, 6)):
        out.append(("reporter", forms[n % 3].format(w=t.word, h=t.host), names(t.by)))
    today = day_start(now)
    now = time.time()  # "last week" is the last seven days
    windows = [("tickets closed last week", "closed", now - 7 * DAY, now), ("how many tickets were closed yesterday?", "closed", today - DAY, today),
               ("which tickets were opened last week?", "opened", now - 7 * DAY, now), ("how many tickets were closed in the last 10 days?", "closed", now - 10 * DAY, now),
               ("tickets opened since " + stamp(today - 6 * DAY)[:10], "opened", today - 6 * DAY, now)]
    for question, what, since, until in windows:
        out.append(("time", question, is_count([t.id for t in tickets if getattr(t, what) and since <= getattr(t, what) < until])))
    forms = ["how long did #{n} take to close?", "how long was ticket {n} open?", "how long did it take to resolve the {w} problem on {h}?"]
    for n, t in enumerate(chance.sample(closed_ones, 5)):
        out.append(("duration", forms[n % 3].format(n=t.id, w=t.word, h=t.host), lasts(t.closed - t.opened)))
    for t in chance.sample(tickets, 3):
        out.append(("mention", f"which ticket mentions {t.code}?", leads_with(t.id)))
    lines = [(row, line.strip()) for row in rows for line in re.split(r"\s{2,}", row["description"] or "") if 40 < len(line.strip()) < 160 and re.search(r"(?i)error|fail|exception", line) and '"' not in line]
    for row, line in chance.sample(lines, min(3, len(lines))):
        out.append(("mention", f'which ticket mentions this error: "{line}"?', leads_with(*[imported[r["issuekey"]] for r in rows if line in (r["description"] or "")])))
    for trouble in chance.sample([t for t in TROUBLES if any(x.error == t[3] and x.says_error for x in tickets)], 6):
        saying = {t.id for t in tickets if t.error == trouble[3] and t.says_error}
        form = chance.choice(['has this error been seen before: "{e}"', "have we seen this error before? {e}", "has this happened before: {e}"])
        out.append(("seen", form.format(e=trouble[3]), joins(saying, trouble[4])))
    for t in chance.sample(tickets, 2):
        out.append(("who", f"who owns #{t.id}?", names(t.owner)))
    for t in chance.sample(closed_ones, 2):
        out.append(("who", f"who closed the {t.word} ticket of {t.host}?", names(t.closer)))
    for t in chance.sample(tickets, 2):
        out.append(("who", f"who commented on ticket {t.id}?", names(t.owner)))
    for t in chance.sample(tickets, 3):
        out.append(("state", f"is #{t.id} still open?", lambda answer, t=t: answer.first.startswith("closed" if t.closed else "open")))
    t = chance.choice(tickets)
    out.append(("state", f"when was #{t.id} opened?", lambda answer, t=t: answer.first.startswith(stamp(t.opened)[:16])))
    # Of a title its rarest words, in their order.
    texts = [set(re.findall(r"[a-z]{4,}", (r["title"] + " " + (r["description"] or "")).lower())) for r in rows]
    for row in chance.sample(rows, min(6, len(rows))):
        words = list(dict.fromkeys(re.findall(r"[a-z]{4,}", row["title"].lower())))
        rare = sorted(words, key=lambda w: sum(w in text for text in texts))[:4]
        out.append(("topic", "is there a ticket about " + " ".join(w for w in words if w in rare) + "?", leads_with(imported[row["issuekey"]])))
    assert all(t.id in by_id for t in tickets)
    return out


def fill(folder, tickets, rows, now):
    """The numbers of the tickets, in order."""
    env = os.environ | {"RT_SITE_CONFIG": f"{folder}/etc/RT_SiteConfig.pm", "RT_SITE_CONFIG_DIR": f"{folder}/etc/RT_SiteConfig.d"}
    seed = {"people": PEOPLE, "queues": ["Ops", "Imported"], "tickets": [t.row for t in tickets] + [plain_row(row, now) for row in rows]}
    with open(f"{folder}/seed.json", "w") as file:
        json.dump(seed, file)
    out = subprocess.run(["perl", "-I/usr/share/request-tracker5/lib", "-e", SEED, f"{folder}/seed.json"], env=env, capture_output=True, check=True, text=True).stdout
    return [int(line) for line in out.split()]


def make_others(work, chance, now):
    """Runbooks and a log, in which each error occurs three times among others."""
    os.makedirs(f"{work}/runbooks")
    with open(f"{work}/runbooks/operations.md", "w") as file:
        file.write("# Operations\n" + "".join(f"\n## {heading}\n\nSeen as `{error}`. {text}\n" for _, _, _, error, heading, text in TROUBLES))
    lines = [(now - chance.uniform(0, 20) * DAY, f"{chance.choice(HOSTS)} service[{n}]: accepted request {chance.randrange(10**6)}") for n in range(2000)]
    lines += [(now - chance.uniform(0, 20) * DAY, f"{chance.choice(HOSTS)} service[77]: {trouble[3]}") for trouble in TROUBLES for _ in range(3)]
    with open(f"{work}/syslog", "w") as file:
        file.writelines(stamp(at).replace(" ", "T") + "Z " + line + "\n" for at, line in sorted(lines))


def configure(work, options, url):
    with open(f"{work}/siltd.toml", "w") as file:
        file.write(f"""[store]
path = "{work}/store"
free_mib_min = 0
[model]
weights = "{options.weights}"
[serve]
socket = "{work}/query.sock"
[[source]]
name = "tickets"
type = "rt"
url = "{url}"
credential = "{options.folder}/key"
mode = "count"
[[source]]
name = "runbooks"
type = "documents"
include = ["{work}/runbooks"]
mode = "count"
[[source]]
name = "syslog"
include = ["{work}/syslog"]
mode = "count"
""")


def ask(options, work, question):
    out = subprocess.run([options.silt, "--socket", f"{work}/query.sock", "ask", "--json", question], capture_output=True, text=True)
    try:
        return Answer(json.loads(out.stdout))
    except json.JSONDecodeError:
        return Answer({"answer": out.stdout + out.stderr})


def wait_for_tickets(options, work, wanted):
    """Until all are there, and nothing new comes for some seconds."""
    before, quiet = 0, 0
    while quiet < 6:
        time.sleep(2)
        export = subprocess.run([options.siltd, "--export", f"{work}/store"], capture_output=True, text=True).stdout
        there = len(set(re.findall(r'"place":"(rt:#\d+)/', export)))
        quiet = quiet + 1 if there >= wanted and len(export) == before else 0
        before = len(export)


def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "siltd", "silt", "weights"):
        parser.add_argument(name)
    parser.add_argument("--tickets")
    parser.add_argument("--take", type=int, default=150)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--again", help="the folder that an earlier run named last: asks what it has")
    parser.add_argument("--seed", type=int, default=7, help="of the choice of questions")
    options = parser.parse_args()
    work = options.again or tempfile.mkdtemp(prefix="silt-questions-")
    now = int(os.path.getmtime(f"{work}/ids.json")) if options.again else int(time.time())
    chance = random.Random(7)
    tickets = [Ticket(chance, now, trouble, host) for trouble in TROUBLES for host in chance.sample(HOSTS, 6)]
    rows = []
    if options.tickets:
        with open(options.tickets, newline="") as file:
            rows = chance.sample(list(csv.DictReader(file)), options.take)
    if not options.again:
        make_others(work, random.Random(8), now)
        with open(f"{work}/ids.json", "w") as file:
            json.dump(fill(options.folder, tickets, rows, now), file)
        os.utime(f"{work}/ids.json", (now, now))
        with open(f"{options.folder}/url") as file:
            configure(work, options, file.read().strip())
    with open(f"{work}/ids.json") as file:
        ids = json.load(file)
    for ticket, number in zip(tickets, ids):
        ticket.id = number
    imported = {row["issuekey"]: number for row, number in zip(rows, ids[len(tickets):])}
    log = open(f"{work}/siltd.log", "ab")
    daemon = subprocess.Popen([options.siltd, "--config", f"{work}/siltd.toml"], stdout=log, stderr=log)
    wait_for_tickets(options, work, len(tickets) + len(rows))
    time.sleep(2)
    table, wrong = {}, []
    for kind, question, right in questions(tickets, imported, rows, random.Random(options.seed), now):
        answer = ask(options, work, question)
        good = bool(right(answer))
        table.setdefault(kind, []).append(good)
        if not good or options.verbose:
            wrong.append((good, kind, question, answer.text[:700]))
    for good, kind, question, text in wrong:
        print(f"{'right' if good else 'WRONG'} {kind}: {question}\n    " + text.replace("\n", "\n    "))
    for kind, all_of in table.items():
        print(f"{kind:10} {sum(all_of)} of {len(all_of)}")
    total = [good for all_of in table.values() for good in all_of]
    print(f"all        {sum(total)} of {len(total)}; {work}")
    daemon.terminate()
    daemon.wait()
    sys.exit(0 if sum(total) >= 0.6 * len(total) else 1)


if __name__ == "__main__":
    main()
