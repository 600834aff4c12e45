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


NEW_STEP = 0.3                  # of the step that down has now
NEW_HALF_LIVES = 1e4, 3e6       # tokens after which a new hidden unit has forgotten half of what it learned


def grown(c, params, to, seed):
    """The same net with a fast SwiGLU of more hidden units, of which only down learns, each unit at a rate of its own.

    A new unit joins the gate of one old unit with the up of another, and has no weight in W_0: at first nothing is predicted
    differently. The new ones forget slowly, at half-lives spread evenly by their logarithm."""
    if (c.learns, c.fast_width) == (to.learns, to.fast_width):
        return params
    more = to.fast_width - c.fast_width
    if to.learns != "down" or more < 0:
        raise SystemExit("a net can only grow into one that learns down, with as many hidden units or more")
    rng = np.random.default_rng(seed)
    mixed = lambda v, order: np.concatenate([v, v[:, :, order]], 2)
    drawn = [[unit for _ in range(-(-more // c.fast_width)) for unit in rng.permutation(c.fast_width)][:more] for _ in range(2)]
    fast, inner = params["fast"], params["inner"]
    whole = lambda v: v if v.ndim == 2 else np.repeat(v[:, None], c.fast_width, 1)
    step, decay = (whole(inner[name]["down"]) for name in ("log_step", "decay"))
    forgets = np.geomspace(*NEW_HALF_LIVES, more) / c.minibatch
    fresh = {"log_step": np.repeat(step.mean(1, keepdims=True) + np.log(NEW_STEP), more, 1),
             "decay": np.tile(logit(0.5 ** (1 / forgets)), (c.fast_layers, 1)), "momentum": np.zeros((c.fast_layers, more))}
    old = {"log_step": step, "decay": decay, "momentum": np.zeros_like(step)}
    return {**params,
            "fast": {"gate": mixed(fast["gate"], drawn[0]), "up": mixed(fast["up"], drawn[1]),
                     "down": np.concatenate([fast["down"], np.zeros((c.fast_layers, more, c.width), np.float32)], 1)},
            "inner": {name: {"down": np.concatenate([old[name], fresh[name]], 1).astype(np.float32)} for name in old}}
