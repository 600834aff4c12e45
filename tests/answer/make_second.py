#!/usr/bin/env python3
"""Makes the second set: logs of other programs, with questions that were written before they were first asked.
make_second.py. Truths are computed here, from what was written. Same seed, same bytes."""
import collections
import datetime as dt
import json
import pathlib
import random

HERE = pathlib.Path(__file__).parent
LOGS = HERE / "logs"
QUESTIONS = []


def ask(file, question, type_, kind, value=None, all=False):
    answer = {"kind": kind}
    if kind == "number":
        answer["value"] = value
    elif kind == "values":
        answer.update(values=[str(v) for v in value], all=all)
    elif kind == "time":
        answer["time"] = value.strftime("%Y-%m-%dT%H:%M:%S")
    QUESTIONS.append({"id": f"{file.split('.')[0]}-{len(QUESTIONS):03}", "files": [file], "question": question, "type": type_, "answer": answer})


def write(file, lines):
    (LOGS / file).write_text("\n".join(lines) + "\n")


def most(values):
    return collections.Counter(values).most_common(1)[0][0]


def bans():
    rng = random.Random(21)
    t, lines, found, banned, unbanned = dt.datetime(2026, 2, 3, 0, 4, 11), [], [], [], []
    guests = ["203.0.113.%d" % n for n in range(5, 25)]
    for i in range(220):
        t += dt.timedelta(seconds=rng.randint(5, 400))
        stamp = f"{t:%Y-%m-%d %H:%M:%S},{rng.randint(0, 999):03}"
        jail, ip = rng.choices(["sshd", "postfix-sasl", "nginx-http-auth"], [6, 2, 1])[0], rng.choices(guests, [12, 6] + [1] * 18)[0]
        kind = rng.choices(["found", "ban", "unban", "rotate", "already"], [60, 14, 10, 2, 3])[0]
        if kind == "found":
            found.append((t, jail, ip))
            lines.append(f"{stamp} fail2ban.filter         [812]: INFO    [{jail}] Found {ip} - {t:%Y-%m-%d %H:%M:%S}")
        elif kind == "ban":
            banned.append((t, jail, ip))
            lines.append(f"{stamp} fail2ban.actions        [812]: NOTICE  [{jail}] Ban {ip}")
        elif kind == "unban":
            unbanned.append((t, jail, ip))
            lines.append(f"{stamp} fail2ban.actions        [812]: NOTICE  [{jail}] Unban {ip}")
        elif kind == "already":
            lines.append(f"{stamp} fail2ban.actions        [812]: WARNING [{jail}] {ip} already banned")
        else:
            lines.append(f"{stamp} fail2ban.server         [812]: INFO    rollover performed on /var/log/fail2ban.log")
    write("bans.log", lines)
    f = "bans.log"
    ask(f, "how many addresses got banned, counting repeats?", "count", "number", len(banned))
    ask(f, "which IP was banned most often?", "top", "values", [most([b[2] for b in banned])])
    ask(f, "which jails are active?", "distinct", "values", ["sshd", "postfix-sasl", "nginx-http-auth"], all=True)
    ask(f, "last time somebody was let back in (unbanned)?", "last", "time", unbanned[-1][0])
    ask(f, "how often was sshd the jail of a ban?", "count", "number", sum(1 for b in banned if b[1] == "sshd"))
    ask(f, "warnings?", "count", "number", sum("WARNING" in l for l in lines))
    ask(f, "from which country do the attackers come?", "unanswerable", "none")


def compute():
    rng = random.Random(22)
    t, lines, built, gone, failed = dt.datetime(2026, 4, 14, 13, 2, 0), [], [], [], []
    hosts = ["cmp-1", "cmp-2", "cmp-3"]
    for i in range(90):
        t += dt.timedelta(seconds=rng.randint(3, 200))
        vm, host = "%08x-%04x" % (rng.getrandbits(32), rng.getrandbits(16)), rng.choice(hosts)
        def say(level, text, logger="vmm.manager"):
            lines.append(f"{t:%Y-%m-%d %H:%M:%S}.{rng.randint(0, 999):03} 2931 {level} {logger} [req-{rng.getrandbits(32):08x}] [instance: {vm}] {text}")
        kind = rng.choices(["build", "destroy", "fail", "resize"], [10, 6, 2, 3])[0]
        if kind == "build":
            took = rng.randint(500, 4000) / 100
            say("INFO", f"Attempting claim on node {host}: memory 2048 MB, disk 20 GB, vcpus 1", "vmm.claims")
            t += dt.timedelta(seconds=took)
            say("INFO", f"Took {took:.2f} seconds to build instance.")
            built.append((t, took, host))
        elif kind == "destroy":
            took = rng.randint(20, 300) / 100
            say("INFO", f"Took {took:.2f} seconds to destroy the instance on the hypervisor.")
            gone.append((t, took))
        elif kind == "fail":
            say("ERROR", f"Build of instance aborted: no valid host was found, {rng.randint(1, 3)} hosts tried")
            failed.append(t)
        else:
            say("WARNING", f"Resize is pending confirmation for {rng.randint(10, 900)} seconds")
    write("compute.log", lines)
    f = "compute.log"
    ask(f, "how long does it take on average to build a vm?", "average", "number", round(sum(b[1] for b in built) / len(built), 3))
    ask(f, "slowest build in seconds", "max", "number", max(b[1] for b in built))
    ask(f, "how many instances were destroyed?", "count", "number", len(gone))
    ask(f, "which node got the most claims?", "top", "values", [most([b[2] for b in built])])
    ask(f, "builds that took more than 30 seconds, how many?", "threshold", "number", sum(b[1] > 30 for b in built))
    ask(f, "when did a build go wrong for the first time?", "first", "time", failed[0])
    ask(f, "errors?", "count", "number", len(failed))
    ask(f, "how many live migrations were there?", "unanswerable", "none")


def jobs():
    rng = random.Random(23)
    t, lines, done, killed = dt.datetime(2026, 6, 1, 8, 0, 0), [], [], []
    for i in range(160):
        t += dt.timedelta(seconds=rng.randint(1, 9))
        task, stage, worker, ms = i, i // 40, rng.choice(["w-a", "w-b", "w-c", "w-d"]), rng.randint(80, 5200)
        lines.append(f"{t:%y/%m/%d %H:%M:%S} INFO scheduler.TaskSetManager: Starting task {task}.0 in stage {stage}.0 (TID {task}, {worker}, partition {task % 40})")
        t += dt.timedelta(milliseconds=ms)
        if rng.random() < 0.08:
            killed.append((t, worker, task))
            lines.append(f"{t:%y/%m/%d %H:%M:%S} WARN scheduler.TaskSetManager: Lost task {task}.0 in stage {stage}.0 (TID {task}, {worker}): java.io.IOException: spill file vanished")
        else:
            done.append((t, worker, ms, stage))
            lines.append(f"{t:%y/%m/%d %H:%M:%S} INFO scheduler.TaskSetManager: Finished task {task}.0 in stage {stage}.0 (TID {task}) in {ms} ms on {worker}")
        if i % 40 == 39:
            lines.append(f"{t:%y/%m/%d %H:%M:%S} INFO scheduler.DAGScheduler: stage {stage} finished, broadcast freed {rng.randint(10, 90)}.{rng.randint(0, 9)} MB")
    write("jobs.log", lines)
    f = "jobs.log"
    ask(f, "number of tasks that were finished", "count", "number", len(done))
    ask(f, "tasks lost?", "count", "number", len(killed))
    ask(f, "which worker lost the most tasks?", "top", "values", [most([k[1] for k in killed])])
    ask(f, "avarage task time in ms", "average", "number", round(sum(d[2] for d in done) / len(done), 3))
    ask(f, "what was the reason for losing tasks?", "explain", "values", ["spill file vanished"])
    ask(f, "how many distinct stages ran?", "distinct", "number", 4)
    ask(f, "how long did the whole run take?", "duration", "number", round((t - dt.datetime.strptime(lines[0][:17], "%y/%m/%d %H:%M:%S")).total_seconds()))
    ask(f, "which user submitted the job?", "unanswerable", "none")


def proxy():
    rng = random.Random(24)
    t, lines, rows = dt.datetime(2026, 9, 8, 17, 30, 0), [], []
    for i in range(300):
        t += dt.timedelta(milliseconds=rng.randint(50, 9000))
        backend, server = rng.choice([("shop", "s1"), ("shop", "s2"), ("api", "a1"), ("api", "a2")])
        status = rng.choices([200, 302, 404, 503], [80, 8, 6, 4])[0]
        if server == "a2" and rng.random() < 0.15:
            status = 503
        total, size, ip = rng.randint(3, 2400), rng.randint(200, 90000), "198.51.100.%d" % rng.randint(1, 12)
        rows.append((t, backend, server, status, total, size, ip))
        lines.append(f"{t:%b} {t.day:2} {t:%H:%M:%S} edge haproxy[771]: client={ip} frontend=https backend={backend} server={server} status={status} bytes={size} total_ms={total}")
        if rng.random() < 0.02:
            lines.append(f"{t:%b} {t.day:2} {t:%H:%M:%S} edge haproxy[771]: Server api/a2 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active servers left.")
            rows.append((t, "down"))
    write("proxy.log", lines)
    f, reqs, down = "proxy.log", [r for r in rows if r[1] != "down"], [r[0] for r in rows if r[1] == "down"]
    ask(f, "how often did a server go down?", "count", "number", len(down))
    ask(f, "which server answers with 503 most?", "top", "values", [most([r[2] for r in reqs if r[3] == 503])])
    ask(f, "mean total_ms of the api backend?", "average", "number", round(sum(r[4] for r in reqs if r[1] == "api") / sum(r[1] == "api" for r in reqs), 2))
    ask(f, "requests slower than 2 seconds", "threshold", "number", sum(r[4] > 2000 for r in reqs))
    ask(f, "which status codes did we send?", "distinct", "values", [200, 302, 404, 503], all=True)
    ask(f, "what percentage of requests failed with 503", "rate", "number", round(100 * sum(r[3] == 503 for r in reqs) / len(reqs), 2))
    ask(f, "bytes sent in total?", "sum", "number", sum(r[5] for r in reqs))
    ask(f, "why is a2 marked down?", "explain", "values", ["Layer4 timeout"])
    ask(f, "requests that did not get a 200, how many?", "count", "number", sum(r[3] != 200 for r in reqs))


def station():
    rng = random.Random(25)
    t, lines, temps, doors, lost = dt.datetime(2026, 1, 18, 20, 0, 0), [], [], [], []
    for i in range(240):
        t += dt.timedelta(seconds=rng.randint(40, 300) + (9000 if i == 120 else 0))
        room = rng.choice(["cellar", "attic", "rack-7"])
        kind = rng.choices(["temp", "door", "lost", "ok"], [30, 6, 2, 4])[0]
        if kind == "temp":
            c = rng.randint(140, 420) / 10
            temps.append((t, room, c))
            lines.append(f"{t:%Y-%m-%dT%H:%M:%S}+00:00 sensor/{room} temperature reading {c:.1f} C, humidity {rng.randint(20, 70)} %")
        elif kind == "door":
            who = rng.choice(["badge 4711", "badge 0815", "badge 1234"])
            doors.append((t, room, who))
            lines.append(f"{t:%Y-%m-%dT%H:%M:%S}+00:00 access/{room} door opened by {who}")
        elif kind == "lost":
            lost.append((t, room))
            lines.append(f"{t:%Y-%m-%dT%H:%M:%S}+00:00 sensor/{room} no signal, radio link lost")
        else:
            lines.append(f"{t:%Y-%m-%dT%H:%M:%S}+00:00 hub self test passed in {rng.randint(2, 9)} s")
    write("station.log", lines)
    f = "station.log"
    ask(f, "hottest temperature?", "max", "number", max(x[2] for x in temps))
    ask(f, "coldest reading", "min", "number", min(x[2] for x in temps))
    ask(f, "how often was it warmer than 40 degrees?", "threshold", "number", sum(x[2] > 40 for x in temps))
    ask(f, "which badge opened doors most?", "top", "values", [most([d[2].split()[1] for d in doors])])
    ask(f, "how many times was a sensor out of reach?", "count", "number", len(lost))
    ask(f, "when was a door last opened?", "last", "time", doors[-1][0])
    ask(f, "longest silence in the file?", "gap", "number", max((dt.datetime.fromisoformat(b[:19]) - dt.datetime.fromisoformat(a[:19])).total_seconds() for a, b in zip(lines, lines[1:])))
    ask(f, "door openings after midnight", "count", "number", sum(d[0] >= dt.datetime(2026, 1, 19) for d in doors))
    ask(f, "how many errors?", "count", "none")
    ask(f, "battery level of the attic sensor?", "unanswerable", "none")


def chores():
    rng = random.Random(26)
    t, lines, sudo, cron, ssh, leases = dt.datetime(2026, 7, 5, 6, 0, 0), [], [], [], [], []
    for i in range(170):
        t += dt.timedelta(seconds=rng.randint(10, 700))
        head = f"{t:%b} {t.day:2} {t:%H:%M:%S} vega "
        kind = rng.choices(["sudo", "cron", "ssh", "lease", "denied"], [5, 8, 6, 6, 2])[0]
        user = rng.choice(["ines", "tomas", "root"])
        if kind == "sudo":
            command = rng.choice(["/usr/bin/systemctl restart nginx", "/usr/bin/apt update", "/usr/sbin/reboot"])
            who = rng.choice(["ines", "ines", "tomas"])
            sudo.append((t, who, command))
            lines.append(head + f"sudo:     {who} : TTY=pts/{rng.randint(0, 3)} ; PWD=/home/{who} ; USER=root ; COMMAND={command}")
        elif kind == "cron":
            cron.append((t, user))
            lines.append(head + f"CRON[{rng.randint(900, 9000)}]: ({user}) CMD (/usr/local/bin/collect)")
        elif kind == "ssh":
            ok = rng.random() < 0.4
            ssh.append((t, user, ok))
            lines.append(head + f"sshd[{rng.randint(900, 9000)}]: {'Accepted' if ok else 'Failed'} password for {user} from 203.0.113.{rng.randint(1, 4)} port {rng.randint(30000, 60000)} ssh2")
        elif kind == "lease":
            mac = "52:54:00:00:00:%02x" % rng.randint(1, 9)
            leases.append((t, mac))
            lines.append(head + f"dhcpd[411]: DHCPACK on 192.0.2.{rng.randint(20, 40)} to {mac} via eth1")
        else:
            lines.append(head + f"kernel: audit: type=1400 apparmor=\"DENIED\" operation=\"open\" profile=\"mysqld\" name=\"/etc/shadow{rng.randint(1, 3)}\"")
    write("chores.log", lines)
    f = "chores.log"
    ask(f, "who used sudo most?", "top", "values", [most([s[1] for s in sudo])])
    ask(f, "what did tomas run as root?", "list", "values", sorted({s[2] for s in sudo if s[1] == "tomas"}), all=True)
    ask(f, "failed logins of root?", "count", "number", sum(s[1] == "root" and not s[2] for s in ssh))
    ask(f, "failed logins, but not root", "count", "number", sum(s[1] != "root" and not s[2] for s in ssh))
    ask(f, "how many different machines got a lease?", "distinct", "number", len({m for _, m in leases}))
    ask(f, "which profile was denied by apparmor?", "list", "values", ["mysqld"])
    ask(f, "when was the machine rebooted first?", "first", "time", min(s[0] for s in sudo if "reboot" in s[2]))
    ask(f, "successful logins between 8 and 12 o'clock on July 5th", "count", "number", sum(s[2] and dt.datetime(2026, 7, 5, 8) <= s[0] < dt.datetime(2026, 7, 5, 12) for s in ssh))
    ask(f, "disk errors?", "unanswerable", "none")
    ask(f, "how many mails were queued", "unanswerable", "none")


def calls():
    rng = random.Random(27)
    t, lines, rows = dt.datetime(2026, 11, 2, 9, 0, 0), [], []
    for i in range(240):
        t += dt.timedelta(milliseconds=rng.randint(100, 20000))
        caller, method = rng.choice(["web", "mobile", "batch"]), rng.choices(["GetCart", "Pay", "ListItems"], [5, 2, 6])[0]
        code = rng.choices(["OK", "Unavailable", "DeadlineExceeded", "NotFound"], [85, 4, 4, 3])[0]
        took = rng.randint(2, 900)
        rows.append((t, caller, method, code, took))
        level = "info" if code == "OK" else "error"
        extra = "" if code == "OK" else f' err="rpc error: code = {code}"'
        lines.append(f"time={t:%Y-%m-%dT%H:%M:%S}Z level={level} caller={caller} method={method} code={code} duration={took}ms msg=\"finished call\"{extra}")
        if rng.random() < 0.04:
            lines.append(f"time={t:%Y-%m-%dT%H:%M:%S}Z level=warn msg=\"slow consumer, dropping {rng.randint(1, 50)} messages\" queue=orders")
    write("calls.log", lines)
    f = "calls.log"
    ask(f, "how many calls ran into their deadline?", "count", "number", sum(r[3] == "DeadlineExceeded" for r in rows))
    ask(f, "which method is called most", "top", "values", ["ListItems"])
    ask(f, "median duration", "percentile", "number", sorted(r[4] for r in rows)[len(rows) // 2 - 1])
    ask(f, "average duration of Pay calls", "average", "number", round(sum(r[4] for r in rows if r[2] == "Pay") / sum(r[2] == "Pay" for r in rows), 2))
    ask(f, "errors per minute?", "rate", "number", round(sum(r[3] != "OK" for r in rows) / ((t - rows[0][0]).total_seconds() / 60), 3))
    ask(f, "errors not counting NotFound?", "count", "number", sum(r[3] not in ("OK", "NotFound") for r in rows))
    ask(f, "who is the caller with the most failed calls?", "top", "values", [most([r[1] for r in rows if r[3] != "OK"])])
    ask(f, "is a consumer too slow?", "exists", "values", ["Yes", "slow consumer"])
    ask(f, "how many refunds were paid?", "unanswerable", "none")


def main():
    for make in (bans, compute, jobs, proxy, station, chores, calls):
        make()
    (HERE / "questions-second.jsonl").write_text("".join(json.dumps(q, ensure_ascii=False) + "\n" for q in QUESTIONS))


main()
