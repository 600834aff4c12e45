"""What record_golden.py and reader/golden.py have in common: tests/model/golden/stream*.json. numpy only."""

import json

import numpy as np

CHUNKS, SAMPLES = 8, 64


def first_tokens(path, minibatch):
    """The ids that answers are recorded for, of a file of silt-tokenize."""
    ids = np.fromfile(path, np.uint16)[:CHUNKS * minibatch + 1].astype(np.int64)
    assert ids.size == CHUNKS * minibatch + 1, "too few tokens"
    return ids


def checks(name, values, change):
    """Sums over all elements of a learned tensor and of its change since W_0, and elements at i * stride."""
    values, change = np.asarray(values, np.float64).ravel(), np.asarray(change, np.float64).ravel()
    stride = values.size // SAMPLES
    return {"name": name, "sum": values.sum(), "sum_of_squares": (values * values).sum(), "change_sum": change.sum(),
            "change_sum_of_squares": (change * change).sum(), "stride": stride, "samples": values[:stride * SAMPLES:stride].tolist()}


def write(path, recorded_from, ids, minibatch, nats, frozen, norms, fast):
    with open(path, "w") as file:
        json.dump({"recorded_from": recorded_from, "tokens": ids.tolist(), "minibatch_tokens": minibatch, "learning_nats": nats,
                   "frozen_nats": frozen, "gradient_norms": norms, "fast_weights": fast}, file, indent=0)
    print("nats a token", np.mean(nats), "not learning", np.mean(frozen), "norms", np.round(norms, 3))
