"""`buf lint`, and `buf breaking` against tests/tools/api.binpb: API and rows of the store as they were when it was made.
Run by ctest: buf_test.py TOOLS. After an intended break: build/python/bin/buf build -o tests/tools/api.binpb"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUF = Path(sys.argv[1], "bin", "buf").resolve()
if not BUF.exists():
    print(f"skipped: {BUF} is not there; scripts/python-tools installs it from PyPI")
    sys.exit(77)
BEFORE = ROOT / "tests/tools/api.binpb"


def buf(*arguments, root=ROOT):
    return subprocess.run([BUF, *arguments], cwd=root, capture_output=True, text=True, check=False)


class BufTest(unittest.TestCase):
    def test_the_api_is_tidy(self):
        linted = buf("lint")
        self.assertEqual(linted.returncode, 0, linted.stdout + linted.stderr)

    def test_the_api_breaks_nobody(self):
        checked = buf("breaking", "--against", BEFORE)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_a_break_is_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in [ROOT / "buf.yaml", *sorted((ROOT / "proto").rglob("*.proto"))]:
                to = Path(folder, file.relative_to(ROOT))
                to.parent.mkdir(parents=True, exist_ok=True)
                text = file.read_text()
                if file.name == "watch.proto":
                    text = text.replace("string token = 3;", "string token = 9;", 1)
                to.write_text(text)
            checked = buf("breaking", "--against", BEFORE, root=folder)
        self.assertNotEqual(checked.returncode, 0)
        self.assertIn("token", checked.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
