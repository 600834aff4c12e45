#!/usr/bin/python3
"""How siltd answers while it reads: many askers and watchers over gRPC and HTTP, beside a log that is written all the time.

    bench/serve.py build/daemon/siltd [--askers 200] [--watchers 50] [--seconds 20]

Prints what the log was read at alone and then with callers; the callers' p50, p95, p99 (failed calls are no answers); what was
refused, with and without a hint when to try again; and siltd's memory. Half of the callers are on each door.
"""

import argparse
import asyncio
import collections
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = [
    "how many logins failed?",
    "how many logins failed in the last hour?",
    "which host failed most often?",
    "when did user u3 log in last?",
    "how many sessions were opened?",
    "show errors",
]


def percentile(values, of):
    return sorted(values)[min(len(values) - 1, int(len(values) * of))] if values else float("nan")


class Log:
    """Lines of a few kinds, written at a rate: bytes a second."""

    def __init__(self, path):
        self.path, self.lines = path, 0

    def block(self, count):
        out = []
        for _ in range(count):
            n = self.lines = self.lines + 1
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            if n % 5:
                out.append(f"{stamp} db{n % 9} sshd[{n % 30000}]: session opened for user u{n % 40} from 10.0.{n % 7}.{n % 250}\n")
            else:
                out.append(f"{stamp} db{n % 9} sshd[{n % 30000}]: Failed password for u{n % 11} from 203.0.113.{n % 250} port {n % 60000}\n")
        with open(self.path, "a") as file:
            file.writelines(out)


class Siltd:
    def __init__(self, siltd, folder):
        self.folder = folder
        (folder / "siltd.toml").write_text(
            f'[store]\npath = "{folder}/state"\nfree_mib_min = 0\n'
            f'[model]\nweights = "{ROOT}/model/weights/silt-23m.safetensors"\n'
            f'[serve]\nsocket = "{folder}/query.sock"\n[[source]]\nname = "host"\ninclude = ["{folder}/*.log"]\n'
        )
        self.process = subprocess.Popen([siltd, "--config", folder / "siltd.toml"], stderr=open(folder / "stderr", "wb"))
        while b"ready " not in (folder / "stderr").read_bytes():
            if self.process.poll() is not None:
                sys.exit((folder / "stderr").read_text())
            time.sleep(0.05)

    def rss_mb(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100


class Seen:
    def __init__(self):
        self.latencies = collections.defaultdict(list)
        self.refused = collections.Counter()  # (code, hint)


class Grpc:
    def __init__(self, folder, types):
        self.channel = grpc.aio.insecure_channel(f"unix:{folder}/query.sock", options=[("grpc.use_local_subchannel_pool", 1)])
        self.types = types
        self.asking = self.channel.unary_stream("/silt.v1.AskService/Ask", request_serializer=types.AskRequest.SerializeToString,
                                                response_deserializer=types.AskResponse.FromString)
        self.watching = self.channel.unary_unary("/silt.v1.WatchService/Watch", request_serializer=types.WatchRequest.SerializeToString,
                                                 response_deserializer=types.WatchResponse.FromString)

    async def ask(self, question):
        try:
            async for _ in self.asking(self.types.AskRequest(question=question), timeout=30):
                pass
            return None
        except grpc.aio.AioRpcError as error:
            return self.failure(error)

    async def watch(self, token):
        try:
            answer = await self.watching(self.types.WatchRequest(token=token), timeout=30)
            return answer.token, answer.poll_ms / 1000, None
        except grpc.aio.AioRpcError as error:
            return token, 1, self.failure(error)

    @staticmethod
    def failure(error):
        if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            return "GAVE UP after 30 s", True
        hints = {key: value for key, value in error.trailing_metadata() or ()}
        return error.code().name, "grpc-retry-pushback-ms" in hints or b"RetryInfo" in hints.get("grpc-status-details-bin", b"")


class Http:
    """A connection a caller, kept."""

    def __init__(self, folder):
        self.path, self.streams = f"{folder}/http.sock", None

    async def post(self, path, body):
        for _ in range(2):  # a kept connection may have been closed
            try:
                if self.streams is None:
                    self.streams = await asyncio.open_unix_connection(self.path)
                return await self.exchange(path, json.dumps(body).encode())
            except (ConnectionError, asyncio.IncompleteReadError):
                self.streams = None
        return 0, {}, b""

    async def exchange(self, path, body):
        reader, writer = self.streams
        writer.write(b"POST %s HTTP/1.1\r\nhost: silt\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if headers.get("transfer-encoding") == "chunked":
            content = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                content += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            content = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.streams = None
        return int(head[0].split()[1]), headers, content

    async def ask(self, question):
        status, headers, content = await self.post("/silt.v1.AskService/Ask", {"question": question})
        last = content.rstrip().rsplit(b"\n", 1)[-1]
        if status == 200 and not last.startswith(b'{"error"'):
            return None
        return f"HTTP {status}", "retry-after" in headers or b"RetryInfo" in last

    async def watch(self, token):
        status, headers, content = await self.post("/silt.v1.WatchService/Watch", {"token": token})
        if status != 200:
            return token, 1, (f"HTTP {status}", "retry-after" in headers)
        answer = json.loads(content)
        return answer["token"], answer["pollMs"] / 1000, None


async def ask_on(client, name, number, until, seen):
    while time.monotonic() < until:
        number += 1
        begin = time.monotonic()
        failed = await client.ask(QUESTIONS[number % len(QUESTIONS)])
        if failed is None:
            seen.latencies[name].append(time.monotonic() - begin)
        else:
            seen.refused[failed] += 1
            await asyncio.sleep(1)


async def watch_on(client, name, until, seen):
    token = ""
    while time.monotonic() < until:
        begin = time.monotonic()
        token, wait_s, failed = await client.watch(token)
        if failed is None:
            seen.latencies[name].append(time.monotonic() - begin)
        else:
            seen.refused[failed] += 1
        await asyncio.sleep(wait_s)


async def read_rate(client, log, seconds):
    """Writes as fast as siltd reads, for so long: records a second that it has stored."""
    begin, before = time.monotonic(), await stored(client)
    while time.monotonic() < begin + seconds:
        if log.lines - await stored(client) < 20_000:
            await asyncio.to_thread(log.block, 10_000)
        else:
            await asyncio.sleep(0.05)
    return (await stored(client) - before) / (time.monotonic() - begin)


async def stored(client):
    _, _, content = await client.post("/silt.v1.SourceService/ListSources", {})
    return sum(int(source["journalSeq"]) for source in json.loads(content).get("sources", []))


async def measure(siltd, types, arguments):
    log, own, seen = Log(siltd.folder / "a.log"), Http(siltd.folder), Seen()
    log.block(50_000)
    while await stored(own) < 50_000:
        await asyncio.sleep(0.1)
    cpu, begin = siltd.cpu_s(), time.monotonic()
    alone = await read_rate(own, log, arguments.seconds)
    print(f"alone: {alone:,.0f} records/s, {(siltd.cpu_s() - cpu) / (time.monotonic() - begin):.2f} cores, {siltd.rss_mb():.0f} MB", flush=True)
    until = time.monotonic() + arguments.seconds
    shared = [Grpc(siltd.folder, types) for _ in range(8)]
    tasks = []
    for i in range(arguments.askers):
        client, name = (shared[i % 8], "ask gRPC") if i % 2 else (Http(siltd.folder), "ask HTTP")
        tasks.append(ask_on(client, name, i, until, seen))
    for i in range(arguments.watchers):
        client, name = (shared[i % 8], "watch gRPC") if i % 2 else (Http(siltd.folder), "watch HTTP")
        tasks.append(watch_on(client, name, until, seen))
    cpu, begin = siltd.cpu_s(), time.monotonic()
    beside, *_ = await asyncio.gather(read_rate(own, log, arguments.seconds), *tasks)
    print(f"with {arguments.askers} askers and {arguments.watchers} watchers: {beside:,.0f} records/s ({beside / alone - 1:+.0%}), "
          f"{(siltd.cpu_s() - cpu) / (time.monotonic() - begin):.2f} cores, {siltd.rss_mb():.0f} MB")
    for name, values in sorted(seen.latencies.items()):
        print(f"{name}: {len(values)} answers, p50 {percentile(values, 0.5) * 1000:.0f} ms, p95 {percentile(values, 0.95) * 1000:.0f}, "
              f"p99 {percentile(values, 0.99) * 1000:.0f}")
    for (code, hint), count in sorted(seen.refused.items()):
        print(f"no answer: {count} {code}{'' if code.startswith('GAVE UP') else ', with a hint when to try again' if hint else ', WITHOUT a hint'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("siltd")
    parser.add_argument("--askers", type=int, default=200)
    parser.add_argument("--watchers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        protos = sorted((ROOT / "proto/silt/v1").glob("*.proto"))
        subprocess.run(["protoc", "-I", ROOT / "proto", f"--python_out={folder}", *protos], check=True)
        sys.path.insert(0, name)
        from silt.v1 import ask_pb2, watch_pb2

        class Types:
            AskRequest, AskResponse = ask_pb2.AskRequest, ask_pb2.AskResponse
            WatchRequest, WatchResponse = watch_pb2.WatchRequest, watch_pb2.WatchResponse

        siltd = Siltd(arguments.siltd, folder)
        try:
            asyncio.run(measure(siltd, Types, arguments))
        finally:
            siltd.process.terminate()
            siltd.process.wait()


if __name__ == "__main__":
    main()
