"""Parameters of a net from its weight file: to go on training what was shipped, or to measure it. The inverse of export.py.

int8 rows come back as what they stand for; what was rounded away is lost.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import weight_file  # noqa: E402

from . import config  # noqa: E402
from .export import BLOCK, FAST  # noqa: E402


def config_of(metadata):
    names = {"minibatch": "minibatch_tokens", "window": "window_tokens", "clip": "clip_norm", "epsilon": "norm_epsilon"}
    fields = {name: kind for name, kind in config.Config.__annotations__.items() if names.get(name, name) in metadata}
    learns = "down" if metadata.get("fast_learns") == "down" else "all"
    return config.Config(**{name: kind(metadata[names.get(name, name)]) for name, kind in fields.items()}, learns=learns)


def logit(share):
    kept = np.clip(share.astype(np.float64), 1e-9, 1 - 1e-9)
    return np.log(kept / (1 - kept)).astype(np.float32)


def load(path):
    """(Config, params as nested dicts of float32 arrays, metadata) of a ttt-e2e net."""
    metadata, tensors = weight_file.read(path)
    c = config_of(metadata)
    if c.mixer != "ttt-e2e":
        raise SystemExit(f"{path}: its mixer is {c.mixer}; only ttt-e2e nets can be read back")
    of = lambda name: weight_file.values(tensors, name)
    adapted = [f"blocks.{n}." for n in range(c.prefix_layers, c.layers)]
    steps = np.log(np.maximum(np.stack([of(block + "fast.step") for block in adapted]), 1e-9))
    decays = logit(np.stack([of(block + "fast.decay") for block in adapted]))
    rates = lambda values: {"down": values} if c.learns == "down" else {t: values[:, i] for i, t in enumerate(FAST)}
    return c, {
        "embedding": of("embedding"), "final_norm": of("final_norm"),
        "blocks": {ours: np.stack([of(f"blocks.{n}.{theirs}") for n in range(c.layers)]) for ours, theirs in BLOCK.items()},
        "fast_norm": np.stack([of(block + "fast_norm") for block in adapted]),
        "fast": {t: np.stack([of(block + "fast." + t) for block in adapted]) for t in FAST},
        "inner": {"log_step": rates(steps), "decay": rates(decays), "momentum": rates(np.zeros_like(steps))}}, metadata
