"""The TTT-E2E reader: sliding-window prefix blocks, then adapted blocks whose fast SwiGLU learns while it reads.

Shapes: T tokens, d width, H heads of f. Activations are bfloat16, norms, softmax, fast weights and losses float32.
The semantics are those of model/net.h and model/inner_loop.h; attention follows ttt-spec 1.2 without QK and post norms.
"""

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

BF16 = jnp.bfloat16
FAST = ("gate", "up", "down")


def learned(c):
    """The fast tensors that learn; the others are what W_0 says."""
    return FAST if c.learns == "all" else ("down",)


def rms(x, gain, epsilon):
    h = x.astype(jnp.float32)
    return (h * lax.rsqrt(jnp.mean(h * h, -1, keepdims=True) + epsilon) * gain).astype(x.dtype)


def rope(x, positions, theta):
    """Half-split rotary embedding. x [..., T, H, f], positions [T]."""
    f = x.shape[-1]
    angles = positions[:, None].astype(jnp.float32) * theta ** (-jnp.arange(0, f, 2, dtype=jnp.float32) / f)
    cos, sin = jnp.cos(angles)[:, None], jnp.sin(angles)[:, None]
    a, b = jnp.split(x.astype(jnp.float32), 2, -1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1).astype(x.dtype)


def swiglu(x, gate, up, down):
    return (jax.nn.silu(x @ gate) * (x @ up)) @ down


def init_blocks(c, key, layers):
    """Weights of `layers` attention blocks, stacked; normal with 1/sqrt(inputs), outputs smaller."""
    d, q, ff = c.width, c.heads * c.head_width, c.mlp_width
    keys = iter(jax.random.split(key, 7))
    normal = lambda rows, cols, scale=1.0: jax.random.normal(next(keys), (layers, rows, cols)) * (scale * rows ** -0.5)
    out = (2 * layers) ** -0.5
    return {"q": normal(d, q), "k": normal(d, q), "v": normal(d, q), "o": normal(q, d, out), "gate": normal(d, ff),
            "up": normal(d, ff), "down": normal(ff, d, out), "attention_norm": jnp.ones((layers, d)),
            "mlp_norm": jnp.ones((layers, d))}


def init(c, key):
    ka, kb, kc, kd = jax.random.split(key, 4)
    d, h, n = c.width, c.fast_width, c.fast_layers
    fast_keys = jax.random.split(kc, 3)
    return {"embedding": jax.random.normal(ka, (c.vocabulary, d)) * 0.02,
            "final_norm": jnp.ones(d),
            "blocks": init_blocks(c, kb, c.layers),
            "fast_norm": jnp.ones((n, d)),
            "fast": {"gate": jax.random.normal(fast_keys[0], (n, d, h)) * d ** -0.5,
                     "up": jax.random.normal(fast_keys[1], (n, d, h)) * d ** -0.5,
                     "down": jax.random.normal(fast_keys[2], (n, h, d)) * 0.1 * h ** -0.5},
            "inner": init_inner(c)}


def init_inner(c):
    """Logarithms of steps, logits of decays and momentum: of each learned tensor, or of each hidden unit of down."""
    n, h = c.fast_layers, c.fast_width
    if c.learns == "all":
        same = lambda value: {t: jnp.full((n,), value) for t in FAST}
        return {"log_step": same(math.log(c.step)), "decay": same(c.decay), "momentum": same(0.0)}
    spread = jnp.linspace(c.decay - c.decay_spread, c.decay + c.decay_spread, h)
    return {"log_step": {"down": jnp.full((n, h), math.log(c.step))}, "decay": {"down": jnp.tile(spread, (n, 1))},
            "momentum": {"down": jnp.full((n, h), 0.0)}}


def compute_copy(blocks):
    return {name: v if name.endswith("norm") else v.astype(BF16) for name, v in blocks.items()}


def window_attention(c, q, k, v, window, how):
    """Causal attention over the last `window` tokens (0: all). q, k, v [B, T, H, f], rotated."""
    if how == "cudnn":
        size = (window - 1, 0) if 0 < window < q.shape[1] else None
        return jax.nn.dot_product_attention(q, k, v, is_causal=True, local_window_size=size, implementation="cudnn")
    batch, T, H, f = q.shape
    window = window or T
    n = T // window
    cut = lambda x: x.reshape(batch, n, window, H, f)
    with_before = lambda x: jnp.concatenate([jnp.pad(x[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0), (0, 0))), x], 2)
    k, v = with_before(cut(k)), with_before(cut(v))
    scores = jnp.einsum("bnthf,bnshf->bnhts", cut(q), k, preferred_element_type=jnp.float32) * f ** -0.5
    distance = jnp.arange(window)[:, None] + window - jnp.arange(2 * window)[None]
    seen = (distance >= 0) & (distance < window)
    exists = (jnp.arange(n) > 0)[:, None, None] | (jnp.arange(2 * window) >= window)[None, None]
    p = jax.nn.softmax(jnp.where((seen[None] & exists)[None, :, None], scores, -1e30), -1).astype(v.dtype)
    return jnp.einsum("bnhts,bnshf->bnthf", p, v).reshape(batch, T, H, f)


def attention_block(c, h, w, window, how):
    """One frozen block over whole sequences. h [B, T, d]."""
    batch, T, _ = h.shape
    heads = lambda x: x.reshape(batch, T, c.heads, c.head_width)
    x = rms(h, w["attention_norm"], c.epsilon)
    positions = jnp.arange(T)
    q, k = (rope(heads(x @ w[name]), positions, c.rope_theta) for name in ("q", "k"))
    o = window_attention(c, q, k, heads(x @ w["v"]), window, how).reshape(batch, T, -1)
    h = h + o @ w["o"]
    return h + swiglu(rms(h, w["mlp_norm"], c.epsilon), w["gate"], w["up"], w["down"])


def prefix(c, blocks, h, how):
    step = jax.checkpoint(lambda h, w: (attention_block(c, h, w, c.window, how), None))
    return lax.scan(step, h, blocks)[0]


def cached_attention(c, q, k, v, valid):
    """A mini-batch's attention over cache and itself, rotated window-relatively. q [b, H, f]; k, v [k + b, H, f]."""
    at_k, at_q = jnp.arange(c.window + c.minibatch), jnp.arange(c.minibatch) + c.window
    q, k = rope(q, at_q, c.rope_theta), rope(k, at_k, c.rope_theta)
    scores = jnp.einsum("thf,shf->hts", q, k, preferred_element_type=jnp.float32) * c.head_width ** -0.5
    distance = at_q[:, None] - at_k[None]
    seen = (distance >= 0) & (distance < c.window) & jnp.concatenate([valid, jnp.ones(c.minibatch, bool)])[None]
    p = jax.nn.softmax(jnp.where(seen, scores, -1e30), -1).astype(v.dtype)
    return jnp.einsum("hts,shf->thf", p, v).reshape(c.minibatch, -1)


def adapted_blocks(c, P, W, cache, h, valid):
    """The last blocks on one mini-batch of one sequence. h [b, d]; cache: (K, V) of each block, [k, H, f], not rotated.

    Unrolled: as a scan over blocks, copies of caches and weights took a fifth of the training time."""
    heads = lambda x: x.reshape(c.minibatch, c.heads, c.head_width)
    new_cache = []
    for i, (k_old, v_old) in enumerate(cache):
        w = {name: v[i] for name, v in P["top"].items()}
        x = rms(h, w["attention_norm"], c.epsilon)
        k = jnp.concatenate([k_old, heads(x @ w["k"])])
        v = jnp.concatenate([v_old, heads(x @ w["v"])])
        h = h + cached_attention(c, heads(x @ w["q"]), k, v, valid) @ w["o"]
        fast = {t: (W[t] if t in W else P["fast"][t])[i].astype(h.dtype) for t in FAST}
        static = swiglu(rms(h, w["mlp_norm"], c.epsilon), w["gate"], w["up"], w["down"])
        h = h + static + swiglu(rms(h, P["fast_norm"][i], c.epsilon), fast["gate"], fast["up"], fast["down"])
        new_cache.append((k[c.minibatch:], v[c.minibatch:]))
    return h, tuple(new_cache)


def head(c, P, h, targets):
    """Surprise of the targets in nats, and whether each was the likeliest token. h [b, d]."""
    logits = (rms(h, P["final_norm"], c.epsilon) @ P["embedding"].T).astype(jnp.float32)
    target = jnp.take_along_axis(logits, targets[:, None], 1)[:, 0]
    return jax.nn.logsumexp(logits, -1) - target, target >= jax.lax.stop_gradient(logits).max(-1)


def newton_schulz(g):
    """g [n, rows, cols] -> nearly orthogonal, five quintic iterations."""
    x = g / (jnp.sqrt(jnp.sum(g * g, (1, 2), keepdims=True)) + 1e-7)
    turn = g.shape[1] > g.shape[2]
    x = x.swapaxes(1, 2) if turn else x
    for _ in range(5):
        a = x @ x.swapaxes(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x.swapaxes(1, 2) if turn else x


def inner_step(c, P, W, m, g, active):
    """One learning step; nothing changes where `active` is false. Returns weights, momentum, gradient norm."""
    norm = jnp.sqrt(sum(jnp.sum(v * v) for v in g.values()) + 1e-12)
    if c.rule == "newton-schulz":
        g = {t: newton_schulz(v) for t, v in g.items()}
    else:
        g = {t: v * jnp.minimum(1.0, c.clip / norm) for t, v in g.items()}
    if c.rule == "momentum":
        m = {t: jnp.where(active, P["momentum"][t] * m[t] + g[t], m[t]) for t in g}
        g = m
    new = {t: P["fast"][t] + P["decay"][t] * (W[t] - P["fast"][t]) - P["step"][t] * g[t] for t in g}
    return {t: jnp.where(active, new[t], W[t]) for t in new}, m, norm


def prepared(c, P):
    """The parameters as the forward pass wants them: bfloat16 copies, steps and decays from their logits."""
    blocks = compute_copy(P["blocks"])
    cut = lambda lo, hi: {name: v[lo:hi] for name, v in blocks.items()}
    wide = lambda f, values: {t: f(v).reshape(c.fast_layers, -1, 1) for t, v in values.items()}  # a number, or one a row
    inner = P["inner"]
    return {"embedding": P["embedding"].astype(BF16), "final_norm": P["final_norm"], "prefix": cut(0, c.prefix_layers),
            "top": cut(c.prefix_layers, c.layers), "fast_norm": P["fast_norm"], "fast": P["fast"],
            "step": wide(jnp.exp, inner["log_step"]), "decay": wide(jax.nn.sigmoid, inner["decay"]),
            "momentum": wide(jax.nn.sigmoid, inner["momentum"])}


def empty_cache(c):
    empty = jnp.zeros((c.window, c.heads, c.head_width), BF16)
    return tuple((empty, empty) for _ in range(c.fast_layers))


def minibatch_step(c, P, learn, carry, xs):
    """Scores one mini-batch, then learns from it. carry: W, momentum, cache, valid rows of the window."""
    W, m, cache, rows = carry
    h, targets, weights = xs
    valid = jnp.arange(c.window) >= c.window - rows

    def loss(W):
        out, new_cache = adapted_blocks(c, P, W, cache, h, valid)
        nll, hit = head(c, P, out, targets)
        return jnp.sum(nll * weights) / jnp.maximum(jnp.sum(weights), 1.0), (new_cache, nll, hit)

    if learn:
        g, (cache, nll, hit) = jax.grad(loss, has_aux=True)(W)
        W, m, norm = inner_step(c, P, W, m, g, jnp.sum(weights) > 0)
    else:
        _, (cache, nll, hit) = loss(W)
        norm = jnp.float32(0)
    return (W, m, cache, jnp.minimum(rows + c.minibatch, c.window)), (nll, hit, norm)


def read(c, P, tokens, weights, delta=None, learn=True, how="cudnn"):
    """Reads sequences, each under its own fast weights, each token scored before the step that learns from it.

    tokens [B, T + 1]; weights [B, T] of the inner loss; delta: W - W_0 to start from, [B, ...] each, or None.
    Returns nll and hits [B, T], gradient norms [B, T/b] and the deltas at the end. T is a multiple of the window.
    """
    P = prepared(c, P)
    batch, T = tokens.shape[0], tokens.shape[1] - 1
    h = prefix(c, P["prefix"], P["embedding"][tokens[:, :-1]], how)
    n, b = T // c.minibatch, c.minibatch

    def one(h, targets, weights, delta):
        initial = {t: P["fast"][t] for t in learned(c)}
        zero = {t: jnp.zeros_like(v) for t, v in initial.items()}
        W = initial if delta is None else {t: v + delta[t] for t, v in initial.items()}
        step = jax.checkpoint(functools.partial(minibatch_step, c, P, learn))
        m = zero if c.rule == "momentum" else {t: jnp.zeros(()) for t in initial}
        carry = (W, m, empty_cache(c), jnp.int32(0))
        (W, _, _, _), (nll, hits, norms) = lax.scan(step, carry, (h.reshape(n, b, -1), targets.reshape(n, b), weights.reshape(n, b)))
        return nll.reshape(T), hits.reshape(T), norms, {t: W[t] - v for t, v in initial.items()}

    return jax.vmap(one, in_axes=(0, 0, 0, None if delta is None else 0))(h, tokens[:, 1:], weights, delta)
