"""TTT-Linear and TTT-MLP as sequence mixers, in JAX: what the engine's mixers `ttt_linear` and `ttt_mlp` compute.

A net of this kind is the reader with a TTT layer for attention in every block, and with nothing else that
carries the past: h += O(LN_post(ttt(rms(h)))); h += swiglu(rms(h)). Kept simple on purpose: own projections for
q, k and v (the "transformer backbone"), no convolutions, no gate after the heads. Rotary positions are
half-split like the reader's and run from 0 to 15, again in every inner mini-batch.

One head of width f keeps a model u(z) = z w1 + c1 ("linear") or gelu(z w1 + c1) w2 + c2 ("mlp", 4f hidden, tanh
gelu). Every 16 tokens are one step of gradient descent on 1/2 |LN(u(k_s)) - (v_s - k_s)|^2, all gradients taken
where the 16 tokens began; the output for token t, which has seen the tokens s <= t of its 16, is
q_t + LN(u_t(q_t)), in the dual form. The step of token s as seen from t, both counted from 1:
    eta[t, s] = base / f * sigmoid(x_s . lr_weight + lr_bias) * max(0, 1 / t + position_scale[t])
with base 1 for linear and 0.1 for mlp. So the state is learned by the forward pass itself.

Precision: projections follow the dtype of x (bfloat16 in training), and so does the logit of the step; all inner
arithmetic, the state and LN_post are float32. Without learning (learn=False) every eta is 0: the state stays.
All functions take one sequence; vmap over the batch outside. cfg has n_layer, d, n_head, hd, ff, vocab, theta
and eps as the prototype's Cfg does; n_kv is not used, every head has its own key and value.
"""
import math

import jax
import jax.numpy as jnp
from jax import lax

MINIBATCH = 16  # tokens of one inner step
WIDEN = 4  # hidden width of the mlp over the head width
STEP = {"linear": 1.0, "mlp": 0.1}
GROUP = 16  # inner steps between two states that the backward pass keeps
HEAD_CHUNK = 128  # tokens whose logits exist at once


def init_ttt(key, cfg, kind):
    """Parameters of one layer, float32. Names are those of the weight file below blocks.N.ttt."""
    d, heads, f = cfg.d, cfg.n_head, cfg.hd
    keys = jax.random.split(key, 7)
    dense = lambda k, rows, cols: jax.random.normal(k, (rows, cols)) * rows ** -0.5
    small = lambda k, *shape: jax.random.normal(k, shape) * 0.02
    params = {"q": dense(keys[0], d, heads * f), "k": dense(keys[1], d, heads * f),
              "v": dense(keys[2], d, heads * f), "o": dense(keys[3], heads * f, d),
              "lr_weight": small(keys[4], d, heads), "lr_bias": jnp.zeros((heads,)),
              "position_scale": jnp.zeros((MINIBATCH,)),
              "ln_scale": jnp.ones((heads, f)), "ln_shift": jnp.zeros((heads, f)),
              "post_norm_scale": jnp.ones((heads * f,)), "post_norm_shift": jnp.zeros((heads * f,))}
    if kind == "linear":
        return params | {"w1": small(keys[5], heads, f, f), "c1": jnp.zeros((heads, f))}
    return params | {"w1": small(keys[5], heads, f, WIDEN * f), "c1": jnp.zeros((heads, WIDEN * f)),
                     "w2": small(keys[6], heads, WIDEN * f, f), "c2": jnp.zeros((heads, f))}


def initial_state(kind, params):
    """W_0 of one layer (or of stacked layers): (w1, c1) or (w1, c1, w2, c2), float32."""
    names = ("w1", "c1") if kind == "linear" else ("w1", "c1", "w2", "c2")
    return tuple(params[name].astype(jnp.float32) for name in names)


def turn(x, theta):
    """Half-split rotary embedding of x [..., 16, f] by the position within the mini-batch."""
    f = x.shape[-1]
    inverse = theta ** (-jnp.arange(0, f, 2, dtype=jnp.float32) / f)
    angle = jnp.arange(MINIBATCH, dtype=jnp.float32)[:, None] * inverse[None]
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    low, high = jnp.split(x, 2, -1)
    return jnp.concatenate([low * cosine - high * sine, high * cosine + low * sine], -1)


def normalise(x, eps):
    """(x - mean) / deviation over the last axis, and the deviation."""
    centred = x - jnp.mean(x, -1, keepdims=True)
    deviation = jnp.sqrt(jnp.mean(centred * centred, -1, keepdims=True) + eps)
    return centred / deviation, deviation


def output_gradient(u, target, scale, shift, eps):
    """d/du of 1/2 |LN(u) - target|^2."""
    xhat, deviation = normalise(u, eps)
    e = (xhat * scale + shift - target) * scale
    return (e - jnp.mean(e, -1, keepdims=True) - xhat * jnp.mean(e * xhat, -1, keepdims=True)) / deviation


def gelu_tanh(z):
    """The tanh form of gelu, and its derivative."""
    a, b = math.sqrt(2 / math.pi), 0.044715
    t = jnp.tanh(a * (z + b * z * z * z))
    return 0.5 * z * (1 + t), 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * a * (1 + 3 * b * z * z)


def transposed(a):
    return jnp.swapaxes(a, -1, -2)


def linear_step(state, q, k, target, eta, ln):
    """One mini-batch of all heads: q, k, target [H, 16, f], eta [H, 16, 16] lower triangular.

    Returns the new state and u_t(q_t) for each token."""
    w, c = state
    g = output_gradient(k @ w + c[:, None], target, *ln)
    z = q @ w + c[:, None] - (eta * (q @ transposed(k))) @ g - eta @ g
    last = eta[:, -1, :, None] * g  # row 16 of eta steps the state
    return (w - transposed(k) @ last, c - jnp.sum(last, 1)), z


def mlp_step(state, q, k, target, eta, ln):
    """As linear_step, for the mlp."""
    w1, c1, w2, c2 = state
    x2, slope = gelu_tanh(k @ w1 + c1[:, None])
    g2 = output_gradient(x2 @ w2 + c2[:, None], target, *ln)
    g1 = (g2 @ transposed(w2)) * slope
    y2, _ = gelu_tanh(q @ w1 + c1[:, None] - (eta * (q @ transposed(k))) @ g1 - eta @ g1)
    z = y2 @ w2 + c2[:, None] - (eta * (y2 @ transposed(x2))) @ g2 - eta @ g2
    last = eta[:, -1, :, None]
    last1, last2 = last * g1, last * g2
    return (w1 - transposed(k) @ last1, c1 - jnp.sum(last1, 1),
            w2 - transposed(x2) @ last2, c2 - jnp.sum(last2, 1)), z


def ttt_layer(cfg, kind, params, x, state, learn=True):
    """x [T, d], T a multiple of 16, already normed -> (y [T, d] in the dtype of x, the state after x)."""
    heads, f = cfg.n_head, cfg.hd
    n = x.shape[0] // MINIBATCH
    assert n * MINIBATCH == x.shape[0]
    project = lambda name: (x @ params[name].astype(x.dtype)).astype(jnp.float32)
    split = lambda a: a.reshape(n, MINIBATCH, heads, -1).transpose(0, 2, 1, 3)  # [n, H, 16, width]
    q, k, v = (split(project(name)) for name in ("q", "k", "v"))
    gate = jax.nn.sigmoid(split(project("lr_weight") + params["lr_bias"]))[..., 0]  # [n, H, 16]
    ramp = jnp.maximum(0.0, 1.0 / jnp.arange(1, MINIBATCH + 1, dtype=jnp.float32) + params["position_scale"])
    base = STEP[kind] / f if learn else 0.0
    ln = (params["ln_scale"][:, None], params["ln_shift"][:, None], cfg.eps)
    inner = linear_step if kind == "linear" else mlp_step

    def step(state, minibatch):
        q, k, v, gate = minibatch
        q, k = turn(q, cfg.theta), turn(k, cfg.theta)
        eta = jnp.tril(base * ramp[:, None] * gate[:, None, :])  # [H, t, s]
        state, u = inner(state, q, k, v - k, eta, ln)
        return state, q + normalise(u, cfg.eps)[0] * ln[0] + ln[1]

    group = math.gcd(n, GROUP)
    grouped = jax.tree.map(lambda a: a.reshape(n // group, group, *a.shape[1:]), (q, k, v, gate))
    state, y = lax.scan(jax.checkpoint(lambda state, part: lax.scan(step, state, part)), state, grouped)
    y = y.reshape(n, heads, MINIBATCH, f).transpose(0, 2, 1, 3).reshape(n * MINIBATCH, heads * f)
    y = normalise(y, cfg.eps)[0] * params["post_norm_scale"] + params["post_norm_shift"]
    return y.astype(x.dtype) @ params["o"].astype(x.dtype), state


def init_net(key, cfg, kind):
    """Parameters of a whole net, float32; those of the blocks are stacked [n_layer, ...]."""
    keys = jax.random.split(key, 1 + cfg.n_layer)

    def block(key):
        gate, up, down, ttt = jax.random.split(key, 4)
        dense = lambda k, rows, cols: jax.random.normal(k, (rows, cols)) * rows ** -0.5
        return {"ln1": jnp.ones((cfg.d,)), "ttt": init_ttt(ttt, cfg, kind), "ln2": jnp.ones((cfg.d,)),
                "gate": dense(gate, cfg.d, cfg.ff), "up": dense(up, cfg.d, cfg.ff), "down": dense(down, cfg.ff, cfg.d)}

    return {"embed": jax.random.normal(keys[0], (cfg.vocab, cfg.d)) * 0.02,
            "blocks": jax.vmap(block)(keys[1:]), "lnf": jnp.ones((cfg.d,))}


def rms(x, weight, eps):
    h = x.astype(jnp.float32)
    return (h * lax.rsqrt(jnp.mean(h * h, -1, keepdims=True) + eps) * weight).astype(x.dtype)


def net_nll(cfg, kind, params, tokens, state=None, learn=True, dtype=jnp.bfloat16):
    """tokens [T + 1] -> (surprise [T] in nats of tokens[1:], each before the state learns from it; final state).

    The state is stacked [n_layer, ...]; None starts at W_0."""
    blocks = params["blocks"]
    state = initial_state(kind, blocks["ttt"]) if state is None else state
    embed = params["embed"].astype(dtype)

    def block(h, layer):
        p, state = layer
        y, state = ttt_layer(cfg, kind, p["ttt"], rms(h, p["ln1"], cfg.eps), state, learn)
        h = h + y
        x = rms(h, p["ln2"], cfg.eps)
        gate, up, down = (p[name].astype(dtype) for name in ("gate", "up", "down"))
        return h + (jax.nn.silu(x @ gate) * (x @ up)) @ down, state

    h, state = lax.scan(jax.checkpoint(block), embed[tokens[:-1]], (blocks, state))

    @jax.checkpoint
    def surprise(part):
        h, targets = part
        logits = (rms(h, params["lnf"], cfg.eps) @ embed.T).astype(jnp.float32)
        return jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, targets[:, None], 1)[:, 0]

    chunk = math.gcd(h.shape[0], HEAD_CHUNK)
    nll = lax.map(surprise, (h.reshape(-1, chunk, cfg.d), tokens[1:].reshape(-1, chunk)))
    return nll.reshape(-1), state
