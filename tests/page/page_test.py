"""The web page in headless Chromium, served by a siltd that reads a hostile log.

Run by ctest with the paths of siltd and silt; with --screenshots FOLDER it leaves a picture of each view there.
"""

import argparse
import datetime
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import unittest
from pathlib import Path

try:
    from selenium import webdriver
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    print("skipped: python3-selenium is not installed")
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.support.siltd import Siltd  # noqa: E402

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
WAIT_S = 60
OPTIONS = argparse.Namespace()

HOSTILE = [
    '<img src=x onerror="window.forged=1">',
    "<script>window.forged=1</script>",
    '"><svg onload=window.forged=1>',
    "javascript:window.forged=1 ${window.forged=1} {{window.forged=1}}",
    "\u202egnitirw\u202c \x1b[31mred\x1b[0m \x00 end",
]


def log_lines():
    """Logins over five hours, and between them what a visitor could write into a log."""
    for i in range(300):
        stamp = f"2026-11-21T{9 + i // 60:02}:{i % 60:02}:00Z"
        yield f"{stamp} db3 sshd[{i}]: Failed password for user{i % 7} from 10.0.0.{i % 20} port {4000 + i}"
        if i % 30 == 0:
            yield f"{stamp} web1 nginx: visitor agent={HOSTILE[(i // 30) % len(HOSTILE)]}"


class Relay(socketserver.ThreadingTCPServer):
    """A port on loopback for a unix socket, as `ssh -L` makes one: a browser cannot open the socket itself."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, path):
        self.path = path
        super().__init__(("127.0.0.1", 0), self.Pump)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Pump(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.socket(socket.AF_UNIX) as inner:
                inner.connect(self.server.path)
                back = threading.Thread(target=self.copy, args=(inner, self.request), daemon=True)
                back.start()
                self.copy(self.request, inner)
                back.join()

        @staticmethod
        def copy(source, to):
            try:
                while data := source.recv(65536):
                    to.sendall(data)
                to.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def open_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=webdriver.chrome.service.Service(str(DRIVER)), options=options)


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.siltd = Siltd(OPTIONS.siltd, log_lines())
        cls.addClassCleanup(cls.siltd.stop)
        cls.relay = Relay(cls.siltd.http_socket)
        cls.addClassCleanup(cls.relay.shutdown)
        cls.browser = open_browser()
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.resize(1280, 900)
        self.browser.get(f"http://127.0.0.1:{self.relay.server_address[1]}/")

    def tearDown(self):
        """Nothing that a view did was forbidden by the page's own policy, or failed."""
        log = [entry for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        self.assertEqual(log, [])
        self.assertIsNone(self.browser.execute_script("return window.forged ?? null"))
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "main img, main script, main iframe, main object"), [])

    def resize(self, width, height):
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        )

    def wait(self, condition):
        return WebDriverWait(self.browser, WAIT_S, poll_frequency=0.05).until(lambda _: condition())

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.wait(lambda: next(iter(self.all(selector)), None))

    def view(self, name):
        ready = {"ask": "#source option:nth-child(2)", "patterns": ".spark", "sources": ".spark", "states": "main h1", "watch": "main h1"}
        self.browser.execute_script("location.hash = arguments[0]", "#" + name)
        self.one(ready[name])

    def ask(self, question):
        self.view("ask")
        box = self.one("#question")
        box.clear()
        box.send_keys(question, Keys.ENTER)
        self.wait(lambda: self.all(".about .badge") or self.all(".failure"))

    def picture(self, name):
        if OPTIONS.screenshots:
            self.browser.save_screenshot(os.path.join(OPTIONS.screenshots, name + ".png"))

    def test_an_answer_comes_with_its_reading_and_its_evidence(self):
        self.ask("how many logins failed?")
        self.assertIn("count", self.one(".reading code").text)
        self.assertIn("300", self.one(".value").text)
        self.assertIn("300 of 310 records", self.one(".about").text)
        self.assertIn("Failed password", self.one(".evidence pre.line").text)
        self.picture("ask")

    def test_evidence_opens_in_its_context_by_keyboard(self):
        self.ask("when did user3 fail to log in last?")
        button = self.one(".evidence button")
        button.send_keys(Keys.ENTER)
        here = self.one(".context .here")
        self.assertEqual(button.get_attribute("aria-expanded"), "true")
        self.assertIn("user3", here.text)
        self.assertGreater(len(self.all(".context span")), 5)
        self.picture("context")
        button.send_keys(Keys.ENTER)
        self.wait(lambda: not self.all(".context"))

    def test_a_reading_can_be_edited_and_run(self):
        self.ask("how many logins failed?")
        self.one(".reading button").click()
        query = self.one("#query")
        query.clear()
        query.send_keys("count words:visitor", Keys.ENTER)
        self.wait(lambda: "10 of 310" in self.one(".about").text)

    def test_hostile_lines_are_text(self):
        self.ask("list the visitors")
        shown = self.one("#answer").text
        self.assertIn("<img src=x", shown)
        self.view("patterns")
        self.assertIn("agent", self.one("main table").text)
        for button in self.all("button.pattern"):
            button.click()
        self.wait(lambda: "<script>" in self.one("main").text)
        self.view("ask")
        self.one("#question").send_keys("list of records with agent and end", Keys.ENTER)
        self.wait(lambda: self.all(".about .badge"))
        self.assertNotIn("\u202e", self.one("#answer").text)

    def test_a_failure_says_what_is_wrong(self):
        self.view("ask")
        self.one("#question").send_keys(" ", Keys.ENTER)
        self.assertEqual(self.one(".failure").text, "the question is empty")
        self.browser.get_log("browser")  # the browser notes every reply that is no success

    def test_patterns_have_sparklines_that_say_what_they_show(self):
        self.view("patterns")
        self.assertIn("records per hour", self.one(".spark").get_attribute("aria-label"))
        self.assertIn("at most 60", self.one(".spark").get_attribute("aria-label"))
        self.picture("patterns")

    def test_sources_and_states(self):
        self.view("sources")
        self.assertIn("310", self.one("main table").text)
        self.assertIn("host (file), 1 file", self.one(".inputs").text)
        self.picture("sources")
        self.view("states")
        reset = self.one("main table button")
        reset.click()
        self.wait(lambda: "0 learning steps are forgotten" in self.one("main table [role=status]").text)  # said, not done
        self.assertEqual(reset.text, "reset: yes")
        self.picture("states")

    def test_what_changes_is_shown_as_it_changes(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamps = [(now - datetime.timedelta(seconds=4 * i)).isoformat() for i in range(600, 0, -1)]
        log = self.siltd.folder / "live.log"
        log.write_text("".join(f"{stamp} app: request {i} served\n" for i, stamp in enumerate(stamps)))
        self.view("watch")
        with log.open("a") as end:
            end.write(f"{now.isoformat()} app: {HOSTILE[0]} pool exhausted\n")
        self.assertIn("something new", self.one(".incidents .origin:has(.badge)").text)
        self.assertIn("<img src=x", self.one(".incidents pre").text)
        self.picture("watch")

    def test_on_loopback_it_asks_for_a_token(self):
        self.browser.get(f"http://{self.siltd.loopback}/#sources")
        self.assertIn("bring a token", self.one(".failure").text)
        command = [OPTIONS.silt, "--socket", self.siltd.query_socket, "token", "create", "--json"]
        token = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["secret"]
        self.one("#token").send_keys(token, Keys.ENTER)
        self.assertIn("310", self.one("main table").text)
        self.browser.get_log("browser")  # the browser notes every reply that is no success

    # None when the page was drawn anew meanwhile, as it is while records come.
    def nameless_controls(self):
        try:
            controls = self.all("a, button, input, select, [role=img], table, nav")
            shown = [control for control in controls if control.is_displayed()]
            return {"nameless": [control.get_attribute("outerHTML")[:200] for control in shown if control.accessible_name == ""]}
        except StaleElementReferenceException:
            return None

    def test_every_control_has_a_name(self):
        for view in ["ask", "patterns", "sources", "states", "watch"]:
            if view == "ask":
                self.ask("how many logins failed?")
            else:
                self.view(view)
            self.assertEqual(self.wait(self.nameless_controls)["nameless"], [], view)

    def test_the_slash_key_asks(self):
        self.view("sources")
        self.browser.find_element(By.TAG_NAME, "body").send_keys("/")
        self.wait(lambda: self.browser.switch_to.active_element.get_attribute("id") == "question")

    def test_nothing_is_cut_on_a_narrow_screen(self):
        self.resize(360, 740)
        for view in ["ask", "patterns", "sources", "states", "watch"]:
            if view == "ask":
                self.ask("how many logins failed?")
            else:
                self.view(view)
            wide = self.browser.execute_script("return document.documentElement.scrollWidth")
            self.assertLessEqual(wide, 360, view)
            self.picture("narrow-" + view)

    def test_text_can_be_read_in_light_and_dark(self):
        self.ask("how many logins failed?")
        for scheme in ["light", "dark"]:
            self.browser.execute_cdp_cmd(
                "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            )
            self.picture("ask-" + scheme)
            for selector in [".value", ".reading", ".origin", "nav a[aria-current]", "#submit", "footer p", "button.quiet"]:
                self.assertGreaterEqual(self.contrast(self.one(selector)), 4.5, f"{scheme}: {selector}")

    def contrast(self, element):
        """By WCAG 2.2: of the text's colour and that of the first ground behind it."""
        colours = self.browser.execute_script(
            "let ground = arguments[0];"
            "while (ground && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;"
            "return [getComputedStyle(arguments[0]).color, getComputedStyle(ground).backgroundColor]", element)
        light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
        return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("siltd")
    parser.add_argument("silt")
    parser.add_argument("--screenshots")
    parser.parse_known_args(namespace=OPTIONS)
    if not (CHROMIUM.exists() and DRIVER.exists()):
        print("skipped: chromium and chromium-driver are not installed")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *(name for name in sys.argv[3:] if name.startswith("PageTest"))], verbosity=2)
