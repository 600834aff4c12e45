#!/usr/bin/env python3
"""OpenTelemetry's own SDK against a real siltd that is killed meanwhile: nothing that was exported is lost.

    pip install opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-grpc==1.45.2 \\
        opentelemetry-exporter-otlp-proto-http==1.45.2
    tests/e2e/otlp_sdk.py BUILD_FOLDER [RECORDS]

Each exporter (gRPC, and HTTP with protobuf; both with gzip) sends RECORDS records (2,000) in batches, while siltd is
killed and started again three times. Prints what is missing, and what came twice."""
import collections
import json
import logging
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
import grpc


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Siltd:
    def __init__(self, build, folder):
        self.build, self.folder = pathlib.Path(build), pathlib.Path(folder)
        self.grpc_port, self.http_port = free_port(), free_port()
        weights = next(self.build.parent.glob("model/weights/silt-23m.safetensors"))
        (self.folder / "siltd.toml").write_text(
            f'[store]\npath = "{folder}/state"\nfree_mib_min = 0\n[model]\nweights = "{weights}"\n'
            f'[serve]\nsocket = "{folder}/query.sock"\n[answer]\nencoder = false\n'
            f'[[source]]\nname = "apps"\ntype = "otlp"\nmode = "count"\n'
            f'listen = ["grpc:{self.grpc_port}", "http:{self.http_port}"]\n')
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([self.build / "daemon/siltd", "--config", self.folder / "siltd.toml"], stderr=log)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()

    def records(self):
        out = subprocess.run([self.build / "daemon/siltd", "--export", self.folder / "state"], check=True, capture_output=True).stdout
        return [json.loads(line) for line in out.splitlines()]


def main():
    build, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    with tempfile.TemporaryDirectory() as folder:
        siltd = Siltd(build, folder)
        siltd.start()
        exporters = {"grpc": GrpcExporter(f"http://127.0.0.1:{siltd.grpc_port}", insecure=True, compression=grpc.Compression.Gzip),
                     "http": HttpExporter(f"http://127.0.0.1:{siltd.http_port}/v1/logs", compression=Compression.Gzip)}
        providers = []
        for name, exporter in exporters.items():
            provider = LoggerProvider(Resource({"service.name": name, "host.name": "web1"}))
            provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=100, max_queue_size=10 * count))
            logger = logging.Logger("app." + name)
            logger.addHandler(LoggingHandler(logger_provider=provider))
            providers.append((provider, logger))
        for i in range(count):
            for _, logger in providers:
                logger.error("order %d failed", i, extra={"order": i})
            if i % (count // 4) == count // 8:
                siltd.end(signal.SIGKILL)
                siltd.start()
            time.sleep(0.001)
        for provider, _ in providers:
            provider.force_flush()
            provider.shutdown()
        siltd.end(signal.SIGTERM)
        records = siltd.records()
        print(json.dumps(records[0]) if records else "nothing came")
        failed = False
        for name in exporters:
            seen = collections.Counter(each["text"] for each in records if each["source"] == "apps:" + name)
            missing = [i for i in range(count) if f"order {i} failed" not in seen]
            twice = sum(times - 1 for times in seen.values())
            print(f"{name}: {len(seen)} of {count} records, {len(missing)} missing, {twice} twice")
            failed = failed or missing
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
