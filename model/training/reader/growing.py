"""A larger net that at first predicts what a smaller one does, so that training goes on where it stood."""

import dataclasses

import numpy as np

from .weights import logit

NEW_STEP = 0.3                  # of the step that down has now
NEW_HALF_LIVES = 1e4, 3e6       # tokens after which a new hidden unit has forgotten half of what it learned
SIZES = "layers", "mlp_width", "fast_width"  # that may grow
FREE = (*SIZES, "learns", "step", "decay", "decay_spread")  # that need not be the same: the last three only begin a net


def grown(c, params, to, seed):
    """`params` of a net c as those of `to`: more blocks, wider ones, a wider fast SwiGLU of which only down learns."""
    fixed = lambda config: {name: value for name, value in dataclasses.asdict(config).items() if name not in FREE}
    if fixed(c) != fixed(to) or any(getattr(to, name) < getattr(c, name) for name in SIZES):
        raise SystemExit(f"a net can only grow, and only in {', '.join(SIZES)}")
    rng = np.random.default_rng(seed)
    params = with_fast_units(c, params, to, rng)
    wider = {**params["blocks"], **with_units(params["blocks"], to.mlp_width - c.mlp_width, rng)}
    return {**params, "blocks": with_blocks(wider, c.prefix_layers, to.layers - c.layers)}


def pairs(units, more, rng):
    """For each of `more` new hidden units the old one that lends its gate and the one that lends its up."""
    return [[unit for _ in range(-(-more // units)) for unit in rng.permutation(units)][:more] for _ in range(2)]


def with_units(swiglu, more, rng):
    """gate, up [n, d, units] and down [n, units, d] with `more` hidden units, each the gate of one old unit with the up of another.
    They have no weight in down."""
    gate, up, down = (swiglu[t] for t in ("gate", "up", "down"))
    drawn = pairs(gate.shape[2], more, rng)
    mixed = lambda v, order: np.concatenate([v, v[:, :, order]], 2)
    return {"gate": mixed(gate, drawn[0]), "up": mixed(up, drawn[1]),
            "down": np.concatenate([down, np.zeros((len(down), more, down.shape[2]), np.float32)], 1)}


def with_fast_units(c, params, to, rng):
    """Of the fast SwiGLU only down learns, each unit at a rate of its own. New ones forget slowly, at half-lives spread evenly by
    their logarithm."""
    if (c.learns, c.fast_width) == (to.learns, to.fast_width):
        return params
    if to.learns != "down":
        raise SystemExit("a fast SwiGLU can only grow into one that learns down")
    more, inner = to.fast_width - c.fast_width, params["inner"]
    whole = lambda v: v if v.ndim == 2 else np.repeat(v[:, None], c.fast_width, 1)
    step, decay = (whole(inner[name]["down"]) for name in ("log_step", "decay"))
    forgets = np.geomspace(*NEW_HALF_LIVES, more) / c.minibatch
    fresh = {"log_step": np.repeat(step.mean(1, keepdims=True) + np.log(NEW_STEP), more, 1),
             "decay": np.tile(logit(0.5 ** (1 / forgets)), (c.fast_layers, 1)), "momentum": np.zeros((c.fast_layers, more))}
    old = {"log_step": step, "decay": decay, "momentum": np.zeros_like(step)}
    return {**params, "fast": with_units(params["fast"], more, rng),
            "inner": {name: {"down": np.concatenate([old[name], fresh[name]], 1).astype(np.float32)} for name in old}}


def with_blocks(blocks, prefix, more):
    """`more` further prefix blocks, each a copy of an old one right behind it that adds nothing yet to what passes through."""
    order = sorted([*range(prefix), *(i % prefix for i in range(more))]) + list(range(prefix, len(blocks["q"])))
    new = [i for i in range(1, len(order)) if order[i] == order[i - 1]]
    out = {name: v[order] for name, v in blocks.items()}
    for name in ("o", "down"):
        out[name][new] = 0
    return out
