"""Anomaly scores: the figures are those computed by hand, surprises reach their lines, and no score looks ahead."""

import contextlib
import io
import json
import math
import pathlib
import struct
import sys
import tempfile
import unittest
from unittest import mock

import paths  # noqa: F401
from anomaly import evaluate, labelled, metrics, scores
from weight_file import WeightFile


class MetricsTest(unittest.TestCase):
    def test_auc(self):
        self.assertEqual(metrics.auc([4, 3, 2, 1], [1, 0, 1, 0]), 3 / 4)  # of the pairs, only 3 over 2 is lost
        self.assertEqual(metrics.auc([1, 1, 1], [0, 1, 0]), 1 / 2)
        self.assertEqual(metrics.auc([2, 1, 1, 0], [0, 1, 0, 0]), 1.5 / 3)
        self.assertTrue(math.isnan(metrics.auc([1, 2], [0, 0])))

    def test_average_precision(self):
        self.assertAlmostEqual(metrics.average_precision([4, 3, 2, 1], [1, 0, 1, 0]), (1 + 2 / 3) / 2)
        self.assertAlmostEqual(metrics.average_precision([5, 5, 5, 5], [0, 0, 0, 1]), 1 / 4)
        self.assertAlmostEqual(metrics.average_precision([3, 2, 2, 1], [1, 1, 0, 1]), (1 + 2 / 3 + 3 / 4) / 3)

    def test_budget_is_rounded_up(self):
        self.assertEqual([metrics.budget(n, 0.001) for n in (1, 1000, 1001, 3000)], [1, 1, 2, 3])
        self.assertEqual(metrics.budget(300, 0.01), 3)

    def test_recall_in_top(self):
        ranked = list(range(100, 0, -1))
        self.assertEqual(metrics.recall_in_top(ranked, [[0], [3], [50]], 0.04), 2 / 3)
        self.assertEqual(metrics.recall_in_top(ranked, [[0], [3], [50]], 0.03), 1 / 3)
        # Two places among four equals behind the first.
        self.assertAlmostEqual(metrics.recall_in_top([9, 5, 5, 5, 5, 1], [[0], [2], [5]], 0.5), (1 + 2 / 4) / 3)
        # An incident of two of the four: none of them is taken in 1 of the 6 pairs.
        self.assertAlmostEqual(metrics.recall_in_top([9, 5, 5, 5, 5, 1], [[1, 4], [0, 1]], 0.5), (5 / 6 + 1) / 2)

    def test_incidents_are_bursts_of_a_template(self):
        labels = [1, 1, 1, 0, 0, 1, 1]
        self.assertEqual(metrics.bursts(labels, list("aabaaab"), gap=3), [0, 0, 1, 2, 2, 3, 4])
        self.assertEqual(metrics.bursts(labels, list("aabaaab"), gap=4), [0, 0, 1, 2, 2, 0, 1])
        self.assertEqual(metrics.members([0, 0, 1, 2, 2, 0, 1], labels), [[0, 1, 5], [2, 6]])


class ScoresTest(unittest.TestCase):
    def test_lines(self):
        self.assertEqual(scores.lines_of(b"a\r\nb\rc\n\nd"), [b"a\r\n", b"b\rc\n", b"\n", b"d"])
        self.assertEqual(scores.lines_of(b"a\n"), [b"a\n"])

    def test_tokens_reach_the_line_of_their_first_byte(self):
        lines = [b"abcd\n", b"\n", b"xyz\n"]  # pieces ab, cd\n, \nx, yz, and the last newline
        self.assertEqual(scores.nats_of_lines(lines, [2, 3, 2, 2, 1], [1, 2, 4, 8, 16]), [3, 4, 24])
        self.assertEqual(scores.nats_of_lines([b"a", b"b"], [0, 1, 1], [1, 2, 4]), [3, 4])

    def test_a_part_gives_only_whole_lines(self):
        lines = [b"abcd\n", b"\n", b"xyz\n"]
        self.assertEqual(scores.nats_of_lines(lines, [2, 3, 1, 3, 1], [1, 2]), [3])
        self.assertEqual(scores.nats_of_lines(lines, [2, 3, 1, 3, 1], [1, 2, 4, 8]), [3, 4])

    def test_tokens_of_another_log_are_refused(self):
        for lengths, nats in (([2, 2], [1, 1]), ([2, 3], [1, 1, 1])):
            with self.assertRaises(ValueError):
                scores.nats_of_lines([b"abcd\n"], lengths, nats)

    def test_template(self):
        for line, masked in ((b"read 12 of /var/log/a-1.log: -5", b"read # of <path>: #"), (b"at 0x0b85eee0 deadbeef 123abc", b"at # deadbeef #"),
                             (b"R02-M1 10.2.3.4:80", b"R#-M# #.#.#.#:#"), (b"id 2751adb8-6f9e-4421-abc3-0d0f9e7343fa", b"id #")):
            self.assertEqual(scores.template(line), masked)

    def test_rarity(self):
        self.assertEqual(scores.rarity(list("abaa")), [1, 1, 1 / 2, 1 / 3])

    def test_rate_rise(self):
        # At the fourth line, two of the last two are a; one of the two before was.
        self.assertAlmostEqual(scores.rate_rise(list("abaa"), window=2)[3], math.log((2 + 1) / (1 + 1)))
        self.assertEqual(scores.rate_rise(list("ab"), window=2), [0, 0])

    def test_causal_ranks(self):
        self.assertEqual(scores.causal_ranks([5, 7, 5, 6]), [0.5, 1, 0.25, 2 / 3])

    def test_nothing_looks_ahead(self):
        lines = [b"job %d %s\n" % (i, b"failed" if i % 7 == 0 else b"done") for i in range(40)]
        nats = [float(i * 37 % 11) for i in range(40)]
        whole, part = scores.detectors(lines, nats, nats[::-1]), scores.detectors(lines[:25], nats[:25], nats[::-1][:25])
        for (name, values), (_, head) in zip(whole, part):
            self.assertEqual(values[:25], head, name)


class EvaluateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_main(self, module, *arguments):
        out = io.StringIO()
        with mock.patch.object(sys, "argv", ["test", *map(str, arguments)]), contextlib.redirect_stdout(out):
            module.main()
        return out.getvalue()

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def measure(self, lines, labels, nats):
        """What is printed, and the rows of each table by name, for a tokenizer whose token n is n bytes long, and a token a line."""
        weights = WeightFile(int8=False)
        weights.integers("tokenizer.offsets", [21], [n * (n - 1) // 2 for n in range(21)])
        weights.write(str(self.folder / "w"), {})
        surprises = self.write("nats", struct.pack("<%df" % len(nats), *nats))
        text = self.run_main(evaluate, "--weights", self.folder / "w", "--log", self.write("log", b"".join(lines)), "--labels",
                             self.write("labels", labels.encode()), "--tokens", self.write("ids", struct.pack("<%dH" % len(lines), *map(len, lines))),
                             "--adapted", surprises, "--frozen", surprises)
        tables = [[row.strip("| ").split(" | ") for row in part.splitlines()] for part in text.split("\n\n") if part.startswith("|")]
        return text, [{row[0]: row[1:] for row in rows} for rows in tables]

    def test_lines_and_their_bursts(self):
        text, (lines, bursts) = self.measure([b"fine\n", b"error 1\n", b"error 2\n", b"good\n", b"fine\n"], "0\n1\n1\n0\n0\n", [3, 2, 1, 1, 1])
        self.assertIn("5 lines, 2 labelled, 1 incidents", text)
        self.assertEqual(lines["best possible"], ["1", "1", "0.500", "0.500", "1.000"])
        self.assertEqual(lines["adapted"], ["0.500", "0.450", "0.000", "0.000", "0.000"])  # 3 of 6 pairs; (1/2 + 2/5) / 2
        self.assertEqual(lines["severity words"], ["1.000", "1.000", "0.500", "0.500", "1.000"])
        self.assertEqual(lines["new pattern"][0], "0.417")  # (0.5 + 0.5 + 1 + 0.5 + 0 + 0) / 6
        self.assertIn("3 groups of 5 lines, 1 labelled", text)
        self.assertEqual(bursts["adapted"], ["0.500", "0.500", "0.000", "0.000"])

    def test_the_best_possible_is_bound_by_the_budget(self):
        row = evaluate.table([], [1] * 10 + [0] * 1990, [[0, 1]]).splitlines()[2]
        self.assertEqual(row, "| best possible | 1 | 1 | 0.200 | 1.000 | 1.000 |")

    def test_groups_take_their_highest_line(self):
        text, (rows,) = self.measure([b"a 1\n", b"b 1\n", b"a 2\n", b"c 2\n"], "1\tx\n0\ty\n1\tx\n0\tz\n", [1, 5, 6, 2])
        self.assertIn("3 groups of 4 lines, 1 labelled", text)
        self.assertEqual(rows["adapted"], ["1.000", "1.000", "1.000", "1.000"])

    def test_a_part_says_so(self):
        text, _ = self.measure([b"fine\n", b"error 1\n", b"good\n"], "0\n1\n0\n", [1, 2])
        self.assertIn("The first 2 of 3 lines.", text)

    def test_labelled_sets(self):
        out = self.folder / "out"
        self.run_main(labelled, "bgl", self.write("b", b"- 1 fine\nKERN 2 bad\n"), "--out", out)
        self.assertEqual((out.with_suffix(".txt").read_bytes(), out.with_suffix(".labels").read_text()), (b"1 fine\n2 bad\n", "0\n1\n"))
        table = self.write("t", b"line\tlabel\tblocks\n1\t0\tblk_1\n2\t1\tblk_2\n")
        self.run_main(labelled, "hdfs", self.write("h", b"a\nb\n"), table, "--out", out)
        self.assertEqual(out.with_suffix(".labels").read_text(), "0\tblk_1\n1\tblk_2\n")
        # The list's numbers may run ahead of the log's lines; of two lines with its text the nearest before is meant.
        log, view = self.write("c", b"a\n1 c\r\n\r\n2 c\nd\nc\n"), self.write("v", json.dumps({"errors": [{"linenumber": 4, "line": "c "}]}).encode())
        self.run_main(labelled, "ci", log, view, "--first", "1", "--lines", "3", "--out", out)
        self.assertEqual((out.with_suffix(".txt").read_bytes(), out.with_suffix(".labels").read_text()), (b"1 c\r\n\r\n2 c\n", "0\n0\n1\n"))
        faults = self.write("f", json.dumps({"08": [{"inject_time": "2030-01-02 08:59:59", "inject_pod": "p1"}]}).encode())
        rows = (("08:58", "p1"), ("08:59", "p1"), ("08:59", "p2"), ("09:01", "p1"), ("09:02", "p1"))
        log = self.write("n", b"".join(b"2030-01-02T%s:30.1Z\t%s\tx\n" % (at.encode(), pod.encode()) for at, pod in rows) + b"rest\n")
        self.run_main(labelled, "nezha", log, faults, "--out", out)
        self.assertEqual(out.with_suffix(".labels").read_text().split(), ["0", "1", "0", "1", "0", "0"])
        with self.assertRaises(ValueError):
            labelled.ci([b"a\n"], self.write("v", b'{"errors": [{"linenumber": 0, "line": "b"}]}'))


if __name__ == "__main__":
    unittest.main()
