#!/usr/bin/env python3
"""Makes the small logs and the question set of this folder: make_own.py. Truths are computed here,
from what was written, so that a change of a log changes its truth. Same seed, same bytes."""
import datetime as dt
import json
import pathlib
import random

HERE = pathlib.Path(__file__).parent
LOGS = HERE / "logs"
QUESTIONS = []


def ask(file, question, kind, type_, value=None, **more):
    answer = {"kind": kind}
    if kind == "number":
        answer["value"] = value
    elif kind in ("values", "text"):
        answer["values"] = value
        answer["all"] = more.pop("all", False)
    elif kind == "time":
        answer["time"] = value
    elif kind == "lines":
        answer["lines"] = value
    QUESTIONS.append({"id": f"{file.split('.')[0]}-{len(QUESTIONS):03}", "files": [file] if isinstance(file, str) else file,
                      "question": question, "type": type_, "answer": answer, **more})


def write(file, lines):
    (LOGS / file).write_text("\n".join(lines) + "\n")


def web():
    rng = random.Random(11)
    start, lines, rows = dt.datetime(2026, 3, 9, 6, 0, 0), [], []
    clients = ["198.51.100.%d" % n for n in range(4, 30)]
    paths = ["/", "/login", "/cart", "/api/items", "/api/orders", "/static/app.js", "/old/catalog.pdf", "/reports/q1.xlsx"]
    t = start
    for i in range(400):
        t += dt.timedelta(seconds=rng.randint(2, 90) + (5400 if i == 250 else 0))
        path = rng.choices(paths, [20, 8, 9, 20, 12, 15, 3, 2])[0]
        status = 404 if path == "/old/catalog.pdf" else rng.choices([200, 304, 500, 403], [80, 10, 2, 3])[0]
        client = rng.choices(clients, [30] + [2] * (len(clients) - 1))[0]
        size = 0 if status == 304 else rng.randint(300, 60000) * (40 if path.endswith("xlsx") else 1)
        method = "POST" if path in ("/login", "/api/orders") and rng.random() < 0.5 else "GET"
        rows.append((t, client, method, path, status, size))
        lines.append(f'{client} - - [{t:%d/%b/%Y:%H:%M:%S} +0000] "{method} {path} HTTP/1.1" {status} {size} "-" "Mozilla/5.0 (X11; Linux x86_64)"')
    write("shop_access.log", lines)
    f = "shop_access.log"
    count = lambda p: sum(1 for r in rows if p(r))
    ask(f, "how many requests got a page that is not there?", "number", "count", count(lambda r: r[4] == 404))
    ask(f, "number of 500s", "number", "count", count(lambda r: r[4] == 500))
    ask(f, "who sends us the most traffic?", "values", "top", [clients[0]])
    big = max(rows, key=lambda r: r[5])
    ask(f, "largest response in bytes?", "number", "max", big[5])
    ask(f, "when did the first forbidden request come in?", "time", "first", min(r[0] for r in rows if r[4] == 403).strftime("%Y-%m-%dT%H:%M:%S"))
    gap = max((b[0] - a[0]).total_seconds() for a, b in zip(rows, rows[1:]))
    ask(f, "longest time without any request?", "number", "gap", gap)
    ask(f, "which methods are used", "values", "distinct", ["GET", "POST"], all=True)
    ask(f, "how many orders were posted?", "number", "count", count(lambda r: r[2] == "POST" and r[3] == "/api/orders"))
    ask(f, "share of cached replies (304) in percent", "number", "rate", round(100 * count(lambda r: r[4] == 304) / len(rows), 4))
    ask(f, "which browser version crashed for the users?", "none", "unanswerable")
    ask(f, "how long did the requests take on average?", "none", "unanswerable")
    ask(f, "most requested page?", "values", "top", [max(set(r[3] for r in rows), key=lambda p: count(lambda r: r[3] == p))])
    return rows


def database():
    rng = random.Random(12)
    lines, slow, dead, conns = [], [], [], []
    t = dt.datetime(2026, 5, 2, 22, 10, 0)
    users = ["billing", "reports", "webapp", "etl"]
    for i in range(260):
        t += dt.timedelta(seconds=rng.randint(1, 80))
        stamp = f"{t:%Y-%m-%d %H:%M:%S}.{rng.randint(0, 999):03} UTC"
        pid = rng.randint(2000, 2020)
        kind = rng.choices(["slow", "checkpoint", "auth", "dead", "conn", "temp"], [6, 5, 3, 1, 20, 2])[0]
        user = rng.choices(users, [2, 3, 10, 4])[0]
        if kind == "slow":
            ms = rng.randint(1000, 9000) + rng.random()
            slow.append((t, ms))
            lines.append(f"{stamp} [{pid}] {user}@shop LOG:  duration: {ms:.3f} ms  statement: SELECT * FROM orders WHERE id = {rng.randint(1, 999)}")
        elif kind == "checkpoint":
            lines.append(f"{stamp} [77] LOG:  checkpoint complete: wrote {rng.randint(10, 900)} buffers ({rng.randint(1, 9)}.0%); write={rng.randint(1, 30)}.1 s")
        elif kind == "auth":
            dead and None
            lines.append(f"{stamp} [{pid}] {user}@shop FATAL:  password authentication failed for user \"{user}\"")
            conns.append((t, "auth", user))
        elif kind == "dead":
            dead.append(t)
            lines.append(f"{stamp} [{pid}] {user}@shop ERROR:  deadlock detected")
        elif kind == "temp":
            lines.append(f"{stamp} [{pid}] {user}@shop LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp{pid}.0\", size {rng.randint(1, 90) * 1048576}")
        else:
            conns.append((t, "conn", user))
            lines.append(f"{stamp} [{pid}] LOG:  connection authorized: user={user} database=shop")
    write("postgres.log", lines)
    f = "postgres.log"
    ask(f, "deadlocks?", "number", "count", len(dead))
    ask(f, "how slow are slow statements on average in ms", "number", "average", round(sum(m for _, m in slow) / len(slow), 3))
    ask(f, "slowest statement, how long?", "number", "max", round(max(m for _, m in slow), 3))
    ask(f, "statements that took longer than 8 seconds, how many?", "number", "threshold", sum(1 for _, m in slow if m > 8000))
    ask(f, "which user connects most often?", "values", "top", [max(users, key=lambda u: sum(1 for c in conns if c[1] == "conn" and c[2] == u))])
    ask(f, "how often was a wrong password given?", "number", "count", sum(1 for c in conns if c[1] == "auth"))
    ask(f, "when was the last deadlock?", "time", "last", dead[-1].strftime("%Y-%m-%dT%H:%M:%S"))
    ask(f, "what log levels are there?", "values", "distinct", ["LOG", "FATAL", "ERROR"], all=True)
    ask(f, "how many replicas are lagging?", "none", "unanswerable")
    ask(f, "fatal errors?", "number", "count", sum(1 for c in conns if c[1] == "auth"))
    after = dt.datetime(2026, 5, 3)
    ask(f, "how many connections were authorized after midnight on May 3rd?", "number", "between", sum(1 for c in conns if c[1] == "conn" and c[0] >= after))


def system():
    rng = random.Random(13)
    lines, events = [], []
    t = dt.datetime(2026, 10, 4, 1, 0, 0)
    def say(program, text):
        lines.append(f"{t:%b} {t.day:2} {t:%H:%M:%S} orion {program}: {text}")
    for i in range(40):
        t += dt.timedelta(minutes=rng.randint(2, 25), seconds=rng.randint(0, 59))
        what = rng.choice(["cron", "cron", "ssh", "usb", "backup", "dhcp"])
        if what == "cron":
            say("CRON[%d]" % rng.randint(900, 9999), "(root) CMD (run-parts /etc/cron.hourly)")
        elif what == "ssh":
            user, ip = rng.choice(["maria", "deploy"]), rng.choice(["203.0.113.9", "203.0.113.77"])
            pid = rng.randint(1000, 9999)
            say(f"sshd[{pid}]", f"Accepted publickey for {user} from {ip} port {rng.randint(30000, 60000)} ssh2")
            events.append(("login", t, user, ip))
            t += dt.timedelta(minutes=rng.randint(1, 40))
            say(f"sshd[{pid}]", f"pam_unix(sshd:session): session closed for user {user}")
        elif what == "usb":
            say("kernel", f"usb 1-{rng.randint(1, 4)}: new high-speed USB device number {rng.randint(2, 9)} using xhci_hcd")
            events.append(("usb", t))
        elif what == "backup":
            secs = rng.randint(100, 900)
            say("backup", f"job nightly finished in {secs} seconds, {rng.randint(1, 80)} GB copied")
            events.append(("backup", t, secs))
        else:
            say("dhclient", f"DHCPACK of 192.0.2.{rng.randint(10, 12)} from 192.0.2.1")
    t += dt.timedelta(minutes=7)
    say("kernel", "Out of memory: Killed process 4242 (java) total-vm:8123456kB, anon-rss:6123456kB")
    oom = t
    t += dt.timedelta(seconds=4)
    say("systemd", "search.service: Main process exited, code=killed, status=9/KILL")
    t += dt.timedelta(seconds=6)
    say("systemd", "search.service: Scheduled restart job, restart counter is at 1.")
    write("orion.log", lines)
    f = "orion.log"
    logins = [e for e in events if e[0] == "login"]
    ask(f, "how many times did somebody sign in?", "number", "count", len(logins))
    ask(f, "which addresses did deploy come from?", "values", "distinct", sorted({e[3] for e in logins if e[2] == "deploy"}), all=True)
    ask(f, "why did the search service go down?", "values", "explain", ["Out of memory", "4242"])
    ask(f, "what was killed for lack of memory and when?", "time", "when", oom.strftime("%m-%dT%H:%M:%S"))
    ask(f, "usb sticks plugged in, how often?", "number", "count", sum(1 for e in events if e[0] == "usb"))
    ask(f, "how long does the backup take on average?", "number", "average", round(sum(e[2] for e in events if e[0] == "backup") / sum(1 for e in events if e[0] == "backup"), 4))
    ask(f, "longest backup run?", "number", "max", max(e[2] for e in events if e[0] == "backup"))
    ask(f, "which accounts logged in?", "values", "distinct", sorted({e[2] for e in logins}), all=True)
    ask(f, "fan speed?", "none", "unanswerable")
    ask(f, "anything unusual?", "values", "whats_new", ["Out of memory", "search.service"])
    ask(f, "first login of maria", "time", "first", min(e[1] for e in logins if e[2] == "maria").strftime("%m-%dT%H:%M:%S"))


def service():
    rng = random.Random(14)
    lines, rows = [], []
    t = dt.datetime(2026, 8, 20, 9, 0, 0)
    for i in range(300):
        t += dt.timedelta(milliseconds=rng.randint(50, 9000))
        level = rng.choices(["info", "warn", "error"], [80, 12, 5])[0]
        region = rng.choice(["eu-1", "us-2", "ap-3"])
        if level == "error":
            msg, extra = "payment gateway timed out", {"gateway": rng.choice(["stripe", "adyen"]), "order": rng.randint(1000, 9999)}
        elif level == "warn":
            msg, extra = "retrying request", {"attempt": rng.randint(1, 5)}
        else:
            msg, extra = rng.choice([("order placed", {"amount": rng.randint(5, 400)}), ("inventory synced", {"items": rng.randint(1, 50), "took_ms": rng.randint(3, 800)})])
        rows.append((t, level, region, msg, extra))
        lines.append(json.dumps({"ts": t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", "level": level, "region": region, "msg": msg, **extra}))
    write("checkout.json", lines)
    f = "checkout.json"
    n = lambda p: sum(1 for r in rows if p(r))
    ask(f, "errors?", "number", "count", n(lambda r: r[1] == "error"))
    ask(f, "how many orders came in?", "number", "count", n(lambda r: r[3] == "order placed"))
    best = max(["eu-1", "us-2", "ap-3"], key=lambda g: n(lambda r: r[3] == "order placed" and r[2] == g))
    ask(f, "which region places the most orders?", "values", "top", [best])
    gate = max(["stripe", "adyen"], key=lambda g: n(lambda r: r[4].get("gateway") == g))
    ask(f, "which gateway times out more often, stripe or adyen?", "values", "compare", [gate])
    took = [r[4]["took_ms"] for r in rows if "took_ms" in r[4]]
    ask(f, "mean sync time", "number", "average", round(sum(took) / len(took), 4))
    ask(f, "inventory syncs above 700 ms?", "number", "threshold", sum(1 for x in took if x > 700))
    ask(f, "total amount of all orders", "number", "sum", sum(r[4]["amount"] for r in rows if "amount" in r[4]))
    ask(f, "time of the first payment timeout", "time", "first", next(r[0] for r in rows if r[1] == "error").strftime("%Y-%m-%dT%H:%M:%S"))
    ask(f, "how many refunds?", "none", "unanswerable")
    ask(f, "wie viele fehler gab es?", "number", "count", n(lambda r: r[1] == "error"))
    ask(f, "combien d'erreurs y a-t-il ?", "number", "count", n(lambda r: r[1] == "error"))
    ask(f, "warnings in total", "number", "count", n(lambda r: r[1] == "warn"))
    ask(f, "how many retries had attempt 5?", "number", "count", n(lambda r: r[4].get("attempt") == 5))


def mail():
    rng = random.Random(15)
    lines, rows = [], []
    t = dt.datetime(2026, 2, 11, 8, 0, 0)
    for i in range(150):
        t += dt.timedelta(seconds=rng.randint(3, 200))
        qid = "%010X" % rng.getrandbits(40)
        to = rng.choice(["ann@example.org", "bob@example.org", "sales@example.net"])
        status = rng.choices(["sent", "bounced", "deferred"], [80, 8, 6])[0]
        delay = rng.randint(1, 90) / 10 if status == "sent" else rng.randint(10, 300)
        why = {"sent": "250 2.0.0 Ok: queued", "bounced": "550 5.1.1 User unknown", "deferred": "connect to mx.example.net[192.0.2.25]:25: Connection timed out"}[status]
        rows.append((t, qid, to, status, delay))
        lines.append(f"{t:%b} {t.day} {t:%H:%M:%S} mx1 postfix/smtp[{rng.randint(100, 999)}]: {qid}: to=<{to}>, relay=mx.example.net[192.0.2.25]:25, delay={delay}, dsn=2.0.0, status={status} ({why})")
        if rng.random() < 0.05:
            lines.append(f"{t:%b} {t.day} {t:%H:%M:%S} mx1 postfix/smtpd[{rng.randint(100, 999)}]: NOQUEUE: reject: RCPT from unknown[203.0.113.{rng.randint(1, 9)}]: 554 5.7.1 Relay access denied")
            rows.append((t, "", "", "reject", 0))
    write("mail.log", lines)
    f = "mail.log"
    n = lambda s: sum(1 for r in rows if r[3] == s)
    ask(f, "how many mails bounced?", "number", "count", n("bounced"))
    ask(f, "how many mails could not be delivered right away and were deferred?", "number", "count", n("deferred"))
    ask(f, "mails sent", "number", "count", n("sent"))
    ask(f, "why were mails deferred?", "values", "explain", ["Connection timed out"])
    ask(f, "average delay of sent mails", "number", "average", round(sum(r[4] for r in rows if r[3] == "sent") / n("sent"), 4))
    ask(f, "rejected relay attempts, how many", "number", "count", n("reject"))
    ask(f, "who gets the most mail?", "values", "top", [max({r[2] for r in rows if r[2]}, key=lambda a: sum(1 for r in rows if r[2] == a))])
    ask(f, "what happened to " + rows[40][1] + "?" if rows[40][1] else "what happened to " + rows[41][1] + "?", "values", "explain", [rows[40][3] if rows[40][1] else rows[41][3]])
    ask(f, "spam score of the worst message?", "none", "unanswerable")
    ask(f, "when did a mail bounce for the last time", "time", "last", [r for r in rows if r[3] == "bounced"][-1][0].strftime("%m-%dT%H:%M:%S"))


def assets():
    rng = random.Random(16)
    lines = ["key,summary,owner,priority,hours"]
    rows = []
    subjects = ["Printer on floor two prints blank pages", "VPN drops every hour for remote staff", "Disk of build server is nearly full",
                "Calendar shows wrong time zone after travel", "Laptop battery swells", "Nightly export of invoices is missing rows",
                "Wiki search returns stale pages", "Badge reader at gate B rejects new badges", "Video calls freeze behind the proxy"]
    for i in range(60):
        subject = subjects[i] if i < len(subjects) else f"Order new {rng.choice(['mouse', 'keyboard', 'screen', 'dock'])} for room {rng.randint(100, 399)}"
        row = (f"HELP-{200 + i}", subject, rng.choice(["kim", "lee", "ola", ""]), rng.choice(["low", "medium", "high"]), rng.choice([1, 2, 3, 5, 8]) if i != 17 else 40)
        rows.append(row)
        lines.append(",".join(str(x) for x in row))
    write("helpdesk.csv", lines)
    f = "helpdesk.csv"
    ask(f, "how many tickets are there?", "number", "count", len(rows))
    ask(f, "which ticket needs the most hours?", "values", "max", ["HELP-217"])
    ask(f, "average hours", "number", "average", round(sum(r[4] for r in rows) / len(rows), 4))
    ask(f, "tickets without an owner", "number", "count", sum(1 for r in rows if r[2] == ""))
    ask(f, "how many tickets does kim own?", "number", "count", sum(1 for r in rows if r[2] == "kim"))
    ask(f, "do we know about video meetings hanging?", "values", "find", ["HELP-208"])
    ask(f, "is there something on the entry cards not being accepted?", "values", "find", ["HELP-207"])
    ask(f, "high priority tickets, how many?", "number", "count", sum(1 for r in rows if r[3] == "high"))
    ask(f, "who reported HELP-203?", "none", "unanswerable")
    ask(f, "tickets above 5 hours?", "number", "threshold", sum(1 for r in rows if r[4] > 5))


def runbook():
    text = """# Queue is stuck

The consumer `picker` stops reading when its lease is lost.

## Symptoms

* Alert `QueueDepthHigh` fires when more than 5000 messages wait for 10 minutes.
* The dashboard shows no acknowledgements.

## What to do

1. Look at the lease: `qctl lease show picker`
2. Release it: `qctl lease release picker --force`
3. Restart the consumer: `systemctl restart picker`

Never purge the queue: orders in it exist nowhere else.

## Escalation

Ask in the channel #orders. The disk of the broker must keep at least 20% free.
"""
    (LOGS / "queue-stuck.md").write_text(text)
    f = "queue-stuck.md"
    ask(f, "how do I restart the consumer?", "values", "find", ["systemctl restart picker"])
    ask(f, "at which queue depth does the alert go off?", "values", "find", ["5000"])
    ask(f, "may I purge the queue?", "values", "find", ["Never purge"])
    ask(f, "how much free disk does the broker need?", "values", "find", ["20%"])
    ask(f, "who is on call this week?", "none", "unanswerable")
    ask(f, "command to give up the lease", "values", "find", ["lease release picker"])


web(); database(); system(); service(); mail(); assets(); runbook()
with open(HERE / "questions.jsonl", "w") as out:
    for q in QUESTIONS:
        out.write(json.dumps(q, ensure_ascii=False) + "\n")
print(len(QUESTIONS), "questions")
