#!/usr/bin/env python3
"""Asks siltd a question over gRPC: ask.py SOCKET QUESTION

Needs Debian's python3-grpcio and python3-protobuf, and the messages, made once beside this file by
    protoc -I proto --python_out=docs/examples proto/silt/v1/*.proto
"""

import sys

import grpc
from silt.v1 import ask_pb2


def main(socket, question):
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        ask = channel.unary_stream(
            "/silt.v1.AskService/Ask",
            request_serializer=ask_pb2.AskRequest.SerializeToString,
            response_deserializer=ask_pb2.AskResponse.FromString,
        )
        for event in ask(ask_pb2.AskRequest(question=question), timeout=30):
            if event.HasField("plan"):
                print("read as:", event.plan.text)
            elif event.HasField("evidence"):  # the text is bytes of a log: never trust it
                print(f"[{event.evidence.number}] {event.evidence.source} #{event.evidence.seq}", event.evidence.text)
            elif event.HasField("final"):
                print(event.final.answer.split("\n")[0])
                return 1 if event.final.abstained else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
