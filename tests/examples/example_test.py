"""docs/examples/ask.py does what it says, against a siltd that runs. Run by ctest: example_test.py SILTD PROTOC."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.siltd import Siltd  # noqa: E402

try:
    import grpc  # noqa: F401
except ImportError:
    print("skipped: python3-grpcio is not installed")
    sys.exit(77)

SILTD, PROTOC = sys.argv[1:3]
LINES = [f"2026-11-21T09:00:{i:02}Z db3 sshd[{i}]: Failed password for root from 10.0.0.{i} port 22" for i in range(20)]


class ExampleTest(unittest.TestCase):
    def test_it_asks_and_prints(self):
        siltd = Siltd(SILTD, LINES)
        self.addCleanup(siltd.stop)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / "docs/examples/ask.py", folder)
            protos = sorted((ROOT / "proto/silt/v1").glob("*.proto"))
            subprocess.run([PROTOC, "-I", ROOT / "proto", f"--python_out={folder}", *protos], check=True)
            command = [sys.executable, "-B", Path(folder) / "ask.py", siltd.query_socket, "how many logins failed?"]
            for _ in range(50):  # the log may not be folded yet
                asked = subprocess.run(command, capture_output=True, text=True, check=False)
                if "20 records" in asked.stdout:
                    break
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertIn("read as: count", asked.stdout)
        self.assertIn("20 records", asked.stdout)
        self.assertIn("Failed password", asked.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
