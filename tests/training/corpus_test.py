"""The corpus builder: conversions, caps, shards, manifest; the same input gives the same bytes."""

import gzip
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import paths
import build_corpus
import convert
from shards import Shards, rank

PAGE = r""".\" a comment
.TH TOOL 8 2030
.SH NAME
tool \- does \fIone\fP thing
.SH OPTIONS
.TP
.BR \-v ", " \-\-verbose
says \(lqmore\(rq
.TS
l l
l lx.
a	b
.TE
"""


class ConvertTest(unittest.TestCase):
    def test_manual_page(self):
        text = convert.man_text(PAGE)
        self.assertEqual(text, 'NAME\n\ntool - does one thing\n\nOPTIONS\n\n-v, --verbose\nsays "more"\na\tb\n')

    def test_page_that_refers_to_another(self):
        self.assertEqual(convert.man_text(".so man8/tool.8\n"), "")

    def test_html(self):
        text = convert.html_text('<html><head><title>t</title><script>x()</script></head><body><div class="navheader">up</div>'
                                 "<h1>A &amp; B</h1><p>one\n two<br>three<ul><li>x<li>y</ul><pre>a\n  b</pre></body></html>")
        self.assertNotIn("x()", text)
        self.assertNotIn("up", text)
        for part in ("A & B", "one two\nthree", "- x", "- y", "a\n"):
            self.assertIn(part, text)

    def test_hidden_part_ends_where_it_should(self):
        text = convert.html_text('<div class="toc"><p>in<br><div>in</div></div><p>out</p>')
        self.assertNotIn("in", text)
        self.assertIn("out", text)

    def test_clean(self):
        self.assertEqual(convert.clean("a\r\nb\0\x1b[1m\n\n\n\nc\td"), "a\nb[1m\n\nc\td")

    def test_document_chooses_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            base = pathlib.Path(folder)
            man = base / "usr/share/man/man8/tool.8.gz"
            man.parent.mkdir(parents=True)
            man.write_bytes(gzip.compress(PAGE.encode()))
            self.assertIn("does one thing", convert.document(man))
            (base / "a.txt").write_text("text")
            (base / "a.html").write_text("<p>text")
            (base / "a.png").write_bytes(b"\x89PNG")
            self.assertEqual(convert.document(base / "a.txt"), "text")
            self.assertEqual(convert.document(base / "a.html"), "")  # the same text twice
            self.assertEqual(convert.document(base / "a.png"), "")


class ShardsTest(unittest.TestCase):
    def write(self, documents, cap, limit=100):
        with tempfile.TemporaryDirectory() as folder:
            shards = Shards(pathlib.Path(folder), limit)
            total = shards.write("x", documents, cap, group="g")
            read = [((pathlib.Path(folder) / entry["file"]).read_bytes(),
                     [int(end) for end in (pathlib.Path(folder) / entry["file"]).with_suffix(".ends").read_text().split()])
                    for entry in shards.entries]
        return total, shards.entries, read

    def test_documents_come_back(self):
        documents = [b"%d\n" % i * (i + 1) for i in range(40)]
        total, entries, read = self.write(documents, 1 << 20)
        back = []
        for data, ends in read:
            back += [data[start:end] for start, end in zip([0] + ends, ends)]
        self.assertEqual(back, documents)
        self.assertEqual(total, sum(map(len, documents)))
        self.assertGreater(len(entries), 5)
        for entry, (data, ends) in zip(entries, read):
            self.assertEqual((entry["bytes"], entry["documents"], entry["sha256"]),
                             (len(data), len(ends), hashlib.sha256(data).hexdigest()))

    def test_cap_cuts_at_a_line_end(self):
        total, _, read = self.write([b"aaaa\n", b"bbbb\ncccc\ndddd\n", b"e\n"], 12)
        self.assertEqual(b"".join(data for data, _ in read), b"aaaa\nbbbb\n")
        self.assertEqual(total, 10)

    def test_a_cap_of_the_exact_size_cuts_nothing(self):
        self.assertEqual(self.write([b"aa\n", b"bb\n", b"cc\n"], 6)[0], 6)

    def test_rank_is_fixed(self):
        self.assertEqual(sorted("abc", key=rank), sorted("cab", key=rank))
        self.assertEqual(rank("a").hex()[:8], "ca978112")


class BuildTest(unittest.TestCase):
    def build(self, out, *arguments):
        script = paths.TRAINING / "corpus" / "build_corpus.py"
        subprocess.run([sys.executable, "-B", str(script), "--out", str(out), *arguments], check=True, capture_output=True)
        return json.loads((out / "manifest.json").read_text())

    def test_same_input_same_corpus(self):
        with tempfile.TemporaryDirectory() as folder:
            base = pathlib.Path(folder)
            for i in range(5):
                path = base / "train" / "logs" / "some" / ("%d.log" % i)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("line %d\n" % i * 50)
            (base / "licences").write_text("logs-some\tMIT\n")
            arguments = ("--train", str(base / "train"), "--train-licences", str(base / "licences"), "--group-cap", "1500",
                         "--worlds", "1:3", "--world-bytes", "30000")
            one, two = self.build(base / "one", *arguments), self.build(base / "two", *arguments)
            self.assertEqual(one, two)
            self.assertEqual({entry["licence"] for entry in one["shards"]}, {"MIT", "silt's own"})
            self.assertEqual(one["totals"]["train-logs-some"], 1498)  # 214 whole lines of 7 bytes
            for entry in one["shards"]:
                data = (base / "one" / entry["file"]).read_bytes()
                self.assertEqual(hashlib.sha256(data).hexdigest(), entry["sha256"])

    def test_list_of_packages(self):
        rows = build_corpus.read_packages(paths.TRAINING / "corpus" / "packages.tsv")
        self.assertGreater(len(rows), 8)
        self.assertEqual(len({name for name, _, _ in rows}), len(rows))

    def test_licences(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "usr/share/doc/p/copyright"
            path.parent.mkdir(parents=True)
            path.write_text("Files: *\nLicense: GPL-2+\n\nFiles: a\nLicense: MIT\n\nFiles: b\nLicense: MIT\n")
            self.assertEqual(build_corpus.licences_of(pathlib.Path(folder), "p"), "MIT, GPL-2+")
            self.assertEqual(build_corpus.licences_of(pathlib.Path(folder), "q"), "no copyright file")


if __name__ == "__main__":
    unittest.main()
