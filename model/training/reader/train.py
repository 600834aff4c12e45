"""Trains one net for a given time:  python3 -m reader.train --data DIR --out DIR --name NAME --seconds S [...]

Writes NAME.json and NAME.N (store.py). All GPUs that JAX sees share each batch. See ../README.md for the recipe.
"""

import argparse
import concurrent.futures
import dataclasses
import fcntl
import functools
import json
import queue
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as Spec

from . import baselines, config, data, growing, measure, net, optimiser, store, weights


NAIVE_STEPS = (0.03, 0.1, 0.3)  # tried for a net that did not learn in training


def log(*what):
    print(*what, flush=True)


def outer_loss(c, how, learn, params, delta, tokens, inner, outer, keep):
    """Weighted mean nll of the batch, in which each sequence was read under its own fast weights."""
    if c.mixer == "ttt-e2e":
        start = None if delta is None else {t: v * keep[:, None, None, None] for t, v in delta.items()}
        nll, _, norms, after = net.read(c, params, tokens, inner, start, learn, how)
    else:
        nll, norms, after = baselines.read(c, params, tokens, how), jnp.zeros(1), None
    return jnp.sum(nll * outer) / jnp.sum(outer), (after, norms.mean())


def make_step(c, how, learn, opt, mesh):
    """(params, opt state, delta, batch..., lr) -> the same after one outer step, and [loss, gradient norm, inner norm]."""
    def local(params, state, delta, tokens, inner, outer, keep, hold, lr):
        f = functools.partial(outer_loss, c, how, learn)
        (loss, (after, inner_norm)), g = jax.value_and_grad(f, has_aux=True)(params, delta, tokens, inner, outer, keep)
        loss, inner_norm, g = jax.lax.pmean((loss, inner_norm, g), "lanes")
        norm = jnp.sqrt(sum(jnp.sum(v * v) for v in jax.tree.leaves(g)))
        g = jax.tree.map(lambda v: jnp.where(jnp.isfinite(norm), v, 0.0), g)
        updates, state = opt.update(g, state, params)
        params = jax.tree.map(lambda p, u: p - lr * u, params, updates)
        if delta is not None:
            s = hold[:, None, None, None] > 0
            delta = {t: jnp.where(s, jax.lax.stop_gradient(after[t]), v) for t, v in delta.items()}
        return params, state, delta, jnp.stack([loss, norm, inner_norm])

    whole, lanes = Spec(), Spec("lanes")
    specs = (whole, whole, lanes, lanes, lanes, lanes, lanes, lanes, whole)
    mapped = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=(whole, whole, lanes, whole), check_vma=False)
    return jax.jit(mapped, donate_argnums=(0, 1, 2))


def program(c, options, learn, opt, mesh, lanes, args, T):
    """The step for sequences of T tokens, compiled from shapes alone. args: params, opt state, delta."""
    shape = lambda kind, *sizes: jax.ShapeDtypeStruct((options.lanes, *sizes), kind, sharding=lanes)
    batch = shape(jnp.int32, T + 1), shape(jnp.float32, T), shape(jnp.float32, T), shape(jnp.float32), shape(jnp.float32)
    return make_step(c, options.attention, learn, opt, mesh).lower(*args, *batch, jnp.float32(0)).compile()


class Prefetch:
    """Makes batches ahead in a thread of its own. set_tokens() drops those of the old length."""

    def __init__(self, batches, put, depth=3):
        self.batches, self.put, self.ready = batches, put, queue.Queue(depth)
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            self.ready.put(self.put(self.batches.next()))

    def set_tokens(self, T):
        self.batches.T = T

    def get(self):
        while True:
            batch = self.ready.get()
            if batch[0].shape[1] == self.batches.T + 1:
                return batch


def initial(c, options):
    """(Config, parameters, what a weight file that was started from says of its training)."""
    if options.start and options.start.endswith(".safetensors"):
        found, params, metadata = weights.load(options.start)
        c = config.parse(options.config, found)
        params = growing.grown(found, params, c, options.seed)
        return c, jax.tree.map(jnp.asarray, params), {key: v for key, v in metadata.items() if key.startswith("training_")}
    if options.start:
        params, notes = store.load(*options.start.rsplit("/", 1))
        return config.Config(**notes["config"]), jax.tree.map(jnp.asarray, params), None
    key = jax.random.key(options.seed)
    return c, (net.init if c.mixer == "ttt-e2e" else baselines.init)(c, key), None


def shown(f, tree):
    """f of each tensor's numbers; of hidden units nine quantiles."""
    cut = lambda v: np.quantile(v, np.linspace(0, 1, 9), axis=-1).T if v.ndim == 2 else v
    return {t: np.round(cut(np.asarray(f(v))), 5).tolist() for t, v in tree.items()}


def run(options):
    c, params, before = initial(config.parse(options.config), options)
    learn, carry = not options.no_learning, options.carry and c.mixer == "ttt-e2e"
    mesh = Mesh(np.array(jax.devices()), ("lanes",))
    whole, lanes = NamedSharding(mesh, Spec()), NamedSharding(mesh, Spec("lanes"))
    opt = optimiser.make(options.optimiser)
    batches = data.Batches(options.data, options.lanes, options.tokens, options.seed, options.exclude.split(","),
                           options.episodes, options.episode_share, options.answer_weight, carry, c.window)
    ready = Prefetch(batches, lambda batch: tuple(jax.device_put(x, lanes) for x in batch))
    params = jax.device_put(params, whole)
    state = jax.device_put(opt.init(params), whole)
    delta = None
    if carry:
        delta = {t: jax.device_put(np.zeros((options.lanes, *v.shape), np.float32), lanes)
                 for t, v in params["fast"].items() if t in net.learned(c)}
    lr = lambda value: jnp.float32(value)
    begin = time.time()
    with concurrent.futures.ThreadPoolExecutor() as pool:  # XLA takes half a minute for each
        lengths = options.tokens, options.late_tokens
        compiled = lambda T: program(c, options, learn, opt, mesh, lanes, (params, state, delta), T) if T else None
        early, later = pool.map(compiled, lengths)
    step = early  # both stay alive to the end: what was queued may still run
    size = sum(v.size for v in jax.tree.leaves(params))
    log(f"{options.name}: compiled in {time.time() - begin:.0f} s, {size / 1e6:.2f} M parameters, {len(jax.devices())} GPUs")

    if options.turn:  # held to the end of the process
        fcntl.flock(turn := open(options.turn, "w"), fcntl.LOCK_EX)
    curve, seen, done, begin, numbers = [], 0, 0, time.time(), jnp.zeros(3)
    saved, total = begin, options.seconds
    hardware = f"{len(jax.devices())} {jax.devices()[0].device_kind}"
    snapshot_at = [float(x) * 1e6 for x in options.snapshots.split(",") if x]
    kept = {}

    def save():
        notes = {"seconds": time.time() - begin, "tokens": seen, "hardware": hardware, "before": before}
        store.save(options.out, options.name, jax.tree.map(np.asarray, jax.device_get(params)),
                   {"config": dataclasses.asdict(c), "run": vars(options), "steps": done, "curve": curve, **notes})
        return notes

    while True:
        if done % 4 == 0 or done < 8:
            numbers.block_until_ready()
        share = done / options.steps if options.steps else (time.time() - begin) / total
        if share >= 1:
            break
        if step is not later and later and share >= options.late_from:
            save()  # a run once ended here
            step = later
            ready.set_tokens(options.late_tokens)
            log(f"{options.name}: {done} steps, from here {options.late_tokens} tokens a sequence")
        rate = options.lr * min(1.0, (done + 1) / 40) if options.flat else optimiser.schedule(share, options.lr)
        batch = ready.get()
        params, state, delta, numbers = step(params, state, delta, *batch, lr(rate))
        done, seen = done + 1, seen + options.lanes * (batch[0].shape[1] - 1)
        if done < 5 or done % 10 == 0:
            # Waits: a program queued beside the first step can break the capture of its graphs.
            loss, norm, inner_norm = np.asarray(numbers).tolist()
            curve.append([done, seen, round(time.time() - begin, 2), round(loss, 4)])
            if done % 50 == 0:
                log(f"{options.name}: {done} {time.time() - begin:.0f}s {seen / 1e6:.1f} M loss {loss:.4f} norm {norm:.2f} "
                    f"inner {inner_norm:.2f}")
        if options.save_every and time.time() - saved >= options.save_every:
            save()
            saved = time.time()
        if snapshot_at and seen >= snapshot_at[0]:
            kept[seen] = jax.tree.map(np.asarray, jax.device_get(params))
            snapshot_at.pop(0)
    numbers.block_until_ready()
    notes = save()
    log(f"{options.name}: {done} steps, {seen / 1e6:.1f} M tokens in {notes['seconds']:.0f} s")
    if c.mixer == "ttt-e2e":
        log("steps", shown(jnp.exp, params["inner"]["log_step"]), "decay", shown(jax.nn.sigmoid, params["inner"]["decay"]))
    kept[seen] = jax.tree.map(np.asarray, jax.device_get(params))
    del state, delta, params
    with open(f"{options.out}/{options.name}.dev.json", "w") as file:
        json.dump({"config": dataclasses.asdict(c), "parameters": size, **notes, **measured(options, c, learn, kept)}, file)


def measured(options, c, learn, kept):
    """Everything that is measured after training. kept: parameters by the tokens they were trained on."""
    out = {}
    last = jax.device_put(kept[max(kept)], jax.devices()[0])
    if options.streams:
        out["streams"] = measure.streams_table(c, last, options.streams, options.attention, learn)
        log(options.name, json.dumps(out["streams"]))
    if options.validation:
        batches = data.validation(options.data, options.validation, 4096, 24, 240)
        out["answers"] = measure.answers_table(c, last, batches, options.attention)
        log(options.name, json.dumps(out["answers"]))
    if options.positions:
        positions = measure.Positions(c, options.positions, options.attention, learn)
        out["positions"] = {tokens: positions.curve(params) for tokens, params in kept.items()}
        if c.mixer == "ttt-e2e" and not learn:
            naive = measure.Positions(c, options.positions, options.attention, True)
            out["naive"] = {step: {tokens: naive.curve(measure.with_step(params, step)) for tokens, params in kept.items()}
                            for step in NAIVE_STEPS}
        log(options.name, json.dumps({name: out[name] for name in ("positions", "naive") if name in out}))
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--name", required=True)
    p.add_argument("--seconds", type=float, required=True)
    p.add_argument("--steps", type=int, default=0, help="instead of what fits the time")
    p.add_argument("--save-every", type=float, default=0, help="save every so many seconds")
    p.add_argument("--config", default="", help="name=value,... of config.py; with a weight file to start from: what is to be different")
    p.add_argument("--start", help="FOLDER/NAME of saved parameters, or a weight file, to go on from")
    p.add_argument("--lanes", type=int, default=64)
    p.add_argument("--tokens", type=int, default=4096)
    p.add_argument("--late-tokens", type=int, default=0, help="length of sequences in the later part of the run")
    p.add_argument("--late-from", type=float, default=0.5)
    p.add_argument("--optimiser", default="adamw", choices=("adamw", "muon"))
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--flat", action="store_true", help="no decay of the learning rate")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--attention", default="cudnn", choices=("cudnn", "blocks"))
    p.add_argument("--no-learning", action="store_true", help="the inner loop stays off in training")
    p.add_argument("--carry", action="store_true", help="lanes keep their fast weights from one sequence to the next")
    p.add_argument("--exclude", default="", help="groups to leave out")
    p.add_argument("--episodes", help="name of the episodes' files in the data folder")
    p.add_argument("--episode-share", type=float, default=0.0)
    p.add_argument("--validation", help="name of the validation episodes' files")
    p.add_argument("--answer-weight", type=float, default=1.0)
    p.add_argument("--turn", help="FILE to lock once compiled: several runs take turns on one GPU")
    p.add_argument("--snapshots", default="", help="millions of tokens at which to measure positions, too")
    p.add_argument("--streams", help="FILE.npz of streams to measure afterwards")
    p.add_argument("--positions", help="FILE.npz of long streams to measure by position")
    run(p.parse_args())


if __name__ == "__main__":
    sys.exit(main())
