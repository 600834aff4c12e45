"""siltd and silt as processes: alerts over real servers, aiosmtpd for mail, and over kills.
Run by ctest: alerts_test.py SILTD SILT. Skipped without python3-aiosmtpd."""

import base64
import http.server
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import unittest
from email import message_from_bytes, policy
from pathlib import Path

try:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult
except ImportError:
    print("skipped: python3-aiosmtpd is not installed")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
SILTD, SILT = sys.argv[1:3]
WAIT_S = 120


class Hook(http.server.BaseHTTPRequestHandler):
    """Puts what it gets into server.got, and answers as server.answer says."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.put((self.path, dict(self.headers), json.loads(body)))
        status = self.server.answer()
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mails:
    def __init__(self):
        self.got = queue.Queue()

    async def handle_DATA(self, _server, _session, envelope):
        self.got.put((envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"


class Smtp(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]  # it was given 0, and asks whether it answers there
        super()._trigger_server()


def login(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=data.login == b"eli" and data.password == b"s3cret-mail")


class AlertsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.web.got, self.web.answer = queue.Queue(), lambda: 200
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        self.addCleanup(self.web.server_close)
        self.addCleanup(self.web.shutdown)
        self.mails = Mails()
        self.smtp = Smtp(self.mails, hostname="127.0.0.1", port=0, authenticator=login, auth_require_tls=False, auth_required=True)
        self.smtp.start()
        self.addCleanup(self.smtp.stop)
        for name, secret in (("token", "s3cret-token"), ("hook", "T0/B0/s3cret-hook"), ("mail", "eli:s3cret-mail")):
            (self.folder / name).write_text(secret + "\n")
            (self.folder / name).chmod(0o600)
        self.log = self.folder / "a.log"
        self.log.write_text("".join(f"worker {i % 7} did its step\n" for i in range(600)))
        url = f"http://127.0.0.1:{self.web.server_port}"
        self.config = self.folder / "siltd.toml"
        self.config.write_text(
            f'[store]\npath = "{self.folder}/state"\nfree_mib_min = 0\n'
            f'[model]\nweights = "{ROOT}/model/weights/silt-23m.safetensors"\n'
            f'[answer]\nencoder = false\n[serve]\nsocket = "{self.folder}/query.sock"\n'
            f'[[source]]\nname = "host"\nmode = "count"\ninclude = ["{self.folder}/*.log"]\n'
            f'[[alert]]\nname = "pager"\nurl = "{url}/pager"\ncredential = "{self.folder}/token"\ngather_ms = 0\n'
            f'[[alert]]\nname = "chat"\ntype = "chat"\nurl = "{url}/services/"\ncredential = "{self.folder}/hook"\ngather_ms = 0\n'
            f'[[alert]]\nname = "mail"\ntype = "mail"\nurl = "smtp://127.0.0.1:{self.smtp.port}"\n'
            f'to = ["ops@example.org", "eli@example.org"]\nfrom = "silt@db3.example.org"\ncredential = "{self.folder}/mail"\ngather_ms = 0\n'
        )
        self.said = b""

    def start(self):
        self.siltd = subprocess.Popen([SILTD, "--config", self.config], stderr=subprocess.PIPE)
        for line in self.siltd.stderr:
            self.said += line
            if b"ready " in line:
                break

        def drain(stream=self.siltd.stderr):
            with stream:
                self.said += stream.read()

        threading.Thread(target=drain, daemon=True).start()
        self.addCleanup(self.kill)

    def kill(self):
        self.siltd.kill()
        self.siltd.wait()

    def status(self):
        out = subprocess.run([SILT, "--socket", f"{self.folder}/query.sock", "status", "--json"], capture_output=True, check=True)
        return {alert["name"]: alert for alert in json.loads(out.stdout)["alerts"]}, out.stdout

    def wait_for_history(self):
        """The first look is history: what comes after it is news."""
        for _ in range(600):
            out = subprocess.run([SILT, "--socket", f"{self.folder}/query.sock", "query", "count"], capture_output=True, check=False)
            if b"600" in out.stdout:
                return
        self.fail("the log was not read")

    def trouble(self, text):
        with self.log.open("a") as log:
            log.write(f"FATAL {text} <!channel> `x`\n")

    def test_all_get_it_and_no_secret_is_told(self):
        self.start()
        self.wait_for_history()
        self.trouble("the disk crashed")
        mail_from, to, mail = self.mails.got.get(timeout=WAIT_S)
        self.assertEqual((mail_from, to), ("silt@db3.example.org", ["ops@example.org", "eli@example.org"]))
        self.assertIn("severity in host:", mail["subject"])
        self.assertIn("FATAL the disk crashed", mail.get_content())
        got = {}
        for _ in range(2):
            path, headers, body = self.web.got.get(timeout=WAIT_S)
            got[path] = (headers, body)
        headers, body = got["/pager"]
        self.assertEqual(headers["Authorization"], "Bearer s3cret-token")
        self.assertEqual(body["id"], headers["Idempotency-Key"])
        self.assertEqual(body["incident"]["cause"]["kind"], "severity")
        self.assertIn(b"FATAL the disk crashed", base64.b64decode(body["incident"]["cause"]["record"]))
        text = got["/services/T0/B0/s3cret-hook"][1]["text"]
        self.assertTrue(text.startswith("```\n[silt "), text)
        self.assertNotIn("<", text)
        alerts, shown = self.status()
        for _ in range(600):  # taken, and soon counted
            if all(alert["sent"] == 1 for alert in alerts.values()):
                break
            alerts, shown = self.status()
        self.assertEqual([(alert["sent"], alert["waiting"]) for alert in alerts.values()], [(1, 0)] * 3, shown)
        self.kill()
        self.assertNotIn(b"s3cret", shown + self.said)

    def test_a_kill_before_it_is_taken_sends_it_again(self):
        asked = threading.Semaphore(0)
        over = threading.Event()

        def hang():
            asked.release()
            over.wait(WAIT_S)
            return 200

        self.web.answer = hang  # both are under way when siltd ends
        self.addCleanup(over.set)
        self.start()
        self.wait_for_history()
        self.trouble("the disk crashed")
        for _ in range(2):
            self.assertTrue(asked.acquire(timeout=WAIT_S))
        self.kill()  # it was sent, and nobody has said that it was taken
        self.web.answer = lambda: 200
        over.set()
        self.start()
        ids = {"/pager": [], "/services/T0/B0/s3cret-hook": []}
        while min(len(each) for each in ids.values()) < 2:
            path, headers, _ = self.web.got.get(timeout=WAIT_S)
            ids[path].append(headers["Idempotency-Key"])
        for each in ids.values():
            self.assertEqual(len(set(each)), 1, "the same message, by its id")
        # And once it was taken, it is not sent any more.
        for _ in range(600):
            if all(alert["waiting"] == 0 for alert in self.status()[0].values()):
                break
        self.kill()
        while not self.web.got.empty():
            self.web.got.get()
        self.start()
        self.assertEqual({alert["waiting"] for alert in self.status()[0].values()}, {0})
        self.assertTrue(self.web.got.empty())

    def test_a_check_names_line_key_and_remedy(self):
        os.chmod(self.folder / "token", 0o644)
        out = subprocess.run([SILTD, "--check-config", "--config", self.config], capture_output=True, text=True, check=False)
        self.assertEqual(out.returncode, 78)
        self.assertRegex(out.stderr, r"siltd\.toml:\d+: alert\.credential: .*chmod 600 ")
        self.assertNotIn("s3cret", out.stderr + out.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
