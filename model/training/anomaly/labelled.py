"""python3 -m anomaly.labelled KIND LOG [LABELS] --out NAME: a labelled log as NAME.txt and NAME.labels.

NAME.labels has a line for each line of NAME.txt: 1 or 0, and behind a tab, where labels are of groups of lines, the group.
  bgl   LOG                 Loghub's BGL. Its first column is the label, and is taken away: who reads it knows the answer.
  hdfs  LOG LABELS.tsv      a header, then line number, label and block of each line
  ci    LOG LOGVIEW.json    Treeherder's recorded error lines
  nezha LOG FAULTS.json     log lines with time and pod in front; labelled are those of a pod within the three minutes from a fault
                            injected into it, to which Nezha counts what it shows
"""

import argparse
import datetime
import json
import pathlib

from . import scores


def bgl(lines, _):
    split = [line.split(b" ", 1) for line in lines]
    return [rest for _, rest in split], ["%d" % (label != b"-") for label, _ in split]


def hdfs(lines, labels):
    rows = [row.split("\t") for row in labels.read_text().splitlines()[1:]]
    return lines, ["%s\t%s" % (label, block) for _, label, block in rows]


def ci(lines, logview):
    """Line numbers count from 0, but also the ends that a carriage return makes: the text decides, and the number says near what."""
    errors = set()
    for error in json.loads(logview.read_text())["errors"]:
        text, near = error["line"].strip().encode(), min(error["linenumber"], len(lines) - 1)
        found = next((i for i in range(near, -1, -1) if text in lines[i]), None)
        if found is None:
            raise ValueError("no line up to number %d is %r: this is another log's list" % (error["linenumber"], error["line"]))
        errors.add(found)
    return lines, ["%d" % (i in errors) for i in range(len(lines))]


def nezha(lines, faults):
    hours = json.loads(faults.read_text()).values()
    minute = lambda text, more=0: (datetime.datetime.fromisoformat(text[:16]) + datetime.timedelta(minutes=more)).isoformat()[:16]
    faulty = {(minute(fault["inject_time"], more), fault["inject_pod"]) for hour in hours for fault in hour for more in range(3)}
    fields = [line.decode("utf-8", "replace").split("\t", 2) for line in lines]
    return lines, ["%d" % (len(some) > 1 and (some[0][:16], some[1]) in faulty) for some in fields]


KINDS = {"bgl": bgl, "hdfs": hdfs, "ci": ci, "nezha": nezha}


def main():
    parser = argparse.ArgumentParser(prog="anomaly.labelled", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("labels", type=pathlib.Path, nargs="?")
    parser.add_argument("--out", required=True)
    parser.add_argument("--first", type=int, default=0, help="leave out the lines before this one, counted from 0")
    parser.add_argument("--lines", type=int, help="at most so many lines")
    options = parser.parse_args()
    lines, labels = KINDS[options.kind](scores.lines_of(options.log.read_bytes()), options.labels)
    part = slice(options.first, None if options.lines is None else options.first + options.lines)
    pathlib.Path(options.out + ".txt").write_bytes(b"".join(lines[part]))
    pathlib.Path(options.out + ".labels").write_text("".join(label + "\n" for label in labels[part]))


if __name__ == "__main__":
    main()
