"""A siltd that reads one log in a folder of its own, for tests in Python."""

import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOP_S = 60


class Siltd:
    """Counts and indexes, and learns nothing: quick to start. It is ready when the constructor returns."""

    def __init__(self, siltd, lines):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.loopback = f"127.0.0.1:{free.getsockname()[1]}"
        (self.folder / "first.log").write_text("".join(line + "\n" for line in lines))
        (self.folder / "siltd.toml").write_text(
            f'[store]\npath = "{self.folder}/state"\nfree_mib_min = 0\n'
            f'[model]\nweights = "{ROOT}/model/weights/silt-23m.safetensors"\n'
            f"[answer]\nencoder = false\n"
            f'[serve]\nsocket = "{self.query_socket}"\nhttp_listen = "{self.loopback}"\n'
            f'[[source]]\nname = "host"\nmode = "count"\ninclude = ["{self.folder}/*.log"]\n'
        )
        self.process = subprocess.Popen([siltd, "--config", self.folder / "siltd.toml"], stderr=subprocess.PIPE)
        for line in self.process.stderr:
            if b"ready " in line:
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    @property
    def query_socket(self):
        return str(self.folder / "query.sock")

    @property
    def http_socket(self):
        return str(self.folder / "http.sock")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_S)
        self.process.stderr.close()
        self._folder.cleanup()
