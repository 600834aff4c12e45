#!/usr/bin/env python3
"""Writes a public labelled set as watch_score reads it: a line a record, in the order of their arrival, of

    source TAB incident TAB text

where `incident` names what the record is evidence of, and is empty for ordinary records.

    labelled_sets.py hdfs LOG LABELS           the log, and a table of line, label, blocks: a block is an incident
    labelled_sets.py bgl LOG                   first column is "-" or a category: one of it until an hour passes without
    labelled_sets.py bgl-csv CSV               the same as Loghub's table
    labelled_sets.py sessions JSONL            blocks in JSON lines, with their templates in order: no times, one after the other
    labelled_sets.py nezha FAULTS LOG...       faults in JSON, logs of time, pod and line: what the pod that a fault was
                                               injected in writes in the three minutes from then
    labelled_sets.py ci LOG JSON [LOG JSON]... job logs with the error lines found by people: within 100 lines is one
"""

import csv
import datetime
import json
import sys

HOUR_S = 3600
FAULT_S = 180
CI_LINES = 100


def write(source, incident, text):
    sys.stdout.write(f"{source}\t{incident}\t{text.rstrip()}\n".replace("\0", " "))


def lines_of(path):
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        return [line.rstrip("\r\n") for line in file]


def hdfs(log, labels):
    incident = {}
    with open(labels, encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["label"] == "1":
                incident[int(row["line"])] = row["blocks"].split()[0]
    for number, text in enumerate(lines_of(log), 1):
        write("hdfs", incident.get(number, ""), text)


def bgl_rows(rows):
    newest = {}
    for category, time_s, text in rows:
        incident = ""
        if category != "-":
            begun, last = newest.get(category, (time_s, time_s))
            if time_s - last > HOUR_S:
                begun = time_s
            newest[category] = (begun, time_s)
            incident = f"{category}@{begun}"
        write("bgl", incident, text)


def bgl(log):
    def rows():
        for line in lines_of(log):
            category, time_s, text = line.split(" ", 2)
            yield category, int(time_s), text
    bgl_rows(rows())


def bgl_csv(path):
    def rows():
        with open(path, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                names = ("Date", "Node", "Time", "NodeRepeat", "Type", "Component", "Level", "Content")
                yield row["Label"], int(row["Timestamp"]), " ".join(row[name] for name in names)
    bgl_rows(rows())


def sessions(path):
    time = datetime.datetime(2008, 11, 9)
    for line in lines_of(path):
        block = json.loads(line)
        for template in block["templates"]:
            # The first place is the block's, but where what replicates it stands first.
            time += datetime.timedelta(seconds=1)
            text = template.replace("block <*>", "block " + block["block"])
            if block["block"] not in text:
                text = text.replace("<*>", " " + block["block"], 1)
            write("hdfs", block["block"] if block["label"] else "", f"{time:%y%m%d %H%M%S} 1 INFO {text}")


def nezha(faults, *logs):
    with open(faults, encoding="utf-8") as file:
        injected = [(datetime.datetime.fromisoformat(fault["inject_time"]), fault["inject_pod"])
                    for hour in json.load(file).values() for fault in hour]
    records = sorted({tuple(line.split("\t", 2)) for log in logs for line in lines_of(log) if line.count("\t") >= 2})
    for time, pod, text in records:
        at = datetime.datetime.fromisoformat(time[:19])
        found = [f"{pod}@{begin:%H:%M}" for begin, where in injected
                 if where == pod and 0 <= (at - begin).total_seconds() < FAULT_S]
        write(pod, found[-1] if found else "", f"{time} {text}")


def ci(*paths):
    for log, labels in zip(paths[::2], paths[1::2]):
        with open(labels, encoding="utf-8") as file:
            errors = json.load(file)["errors"]
        texts = lines_of(log)
        # The numbers are those of a viewer, off by some.
        found = sorted(next((at for at in sorted(range(len(texts)), key=lambda at, error=error: abs(at - error["linenumber"]))[:100]
                             if texts[at].endswith(error["line"].rstrip())), error["linenumber"]) for error in errors)
        incident, name, last = {}, "", -CI_LINES
        for at in found:
            if at - last >= CI_LINES:
                name = f"{log.rsplit('/', 1)[-1]}:{at}"
            incident[at], last = name, at
        for at, text in enumerate(texts):
            write("ci", incident.get(at, ""), text)


def main():
    sets = {"hdfs": hdfs, "bgl": bgl, "bgl-csv": bgl_csv, "sessions": sessions, "nezha": nezha, "ci": ci}
    if len(sys.argv) < 3 or sys.argv[1] not in sets:
        sys.exit(__doc__)
    sets[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
