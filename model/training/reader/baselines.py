"""The nets that TTT-E2E is compared with: one stack of blocks, read in one pass.

Every block is h += mixer(rms(h)); h += swiglu(rms(h)). Mixers: sliding-window and full attention, Mamba-2
(arXiv 2405.21060, the chunked form of its section 6 with one group), TTT-Linear and TTT-MLP (../mixers.py).
"""

import math

import jax
import jax.numpy as jnp
from jax import lax

import mixers

from . import net
from .config import ttt_config, ttt_kind

CONV = 4      # taps of Mamba's causal convolution
CHUNK = 128   # tokens of one chunk of its scan
HEAD_TOKENS = 1024


def mamba_sizes(c):
    inner = 2 * c.width
    return inner, inner // c.head_width


def init_mamba(c, key):
    """One layer: z, x, B, C and dt from one projection; A and dt start as in the paper's code base: A in 1..16."""
    inner, heads = mamba_sizes(c)
    ka, kb, kc, kd = jax.random.split(key, 4)
    mixed = inner + 2 * c.mamba_state
    dt = jnp.exp(jax.random.uniform(kd, (heads,)) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
    return {"in": jax.random.normal(ka, (c.width, inner + mixed + heads)) * c.width ** -0.5,
            "conv": jax.random.normal(kb, (CONV, mixed)) * CONV ** -0.5, "conv_bias": jnp.zeros(mixed),
            "log_a": jnp.log(jnp.linspace(1.0, 16.0, heads)), "dt_bias": dt + jnp.log(-jnp.expm1(-dt)),
            "skip": jnp.ones(heads), "inner_norm": jnp.ones(inner),
            "out": jax.random.normal(kc, (inner, c.width)) * (2 * c.layers * inner) ** -0.5}


def segment_sums(x):
    """x [..., t] -> [..., t, t]: sum of x over (s, t], -inf above the diagonal."""
    total = jnp.cumsum(x, -1)
    out = total[..., :, None] - total[..., None, :]
    return jnp.where(jnp.tril(jnp.ones(out.shape[-2:], bool)), out, -jnp.inf)


def selective_scan(x, a, B, C):
    """x [T, H, f] times dt, a [T, H] log decay, B and C [T, N] -> y [T, H, f]. float32."""
    T, H, f = x.shape
    chunk = min(CHUNK, T)
    cut = lambda v: v.reshape(T // chunk, chunk, *v.shape[1:])

    def step(state, xs):
        x, a, B, C = xs
        total = jnp.cumsum(a, 0)
        decay = jnp.exp(segment_sums(a.T))                                   # [H, t, s]
        y = jnp.einsum("tn,sn,hts,shf->thf", C, B, decay, x)
        y = y + jnp.einsum("tn,hnf,th->thf", C, state, jnp.exp(total))
        left = jnp.exp(total[-1] - total)                                    # to the chunk's end
        state = state * jnp.exp(total[-1])[:, None, None] + jnp.einsum("sn,sh,shf->hnf", B, left, x)
        return state, y

    state = jnp.zeros((H, B.shape[-1], f))
    return lax.scan(jax.checkpoint(step), state, (cut(x), cut(a), cut(B), cut(C)))[1].reshape(T, H, f)


def mamba_layer(c, w, x):
    """x [T, d] -> [T, d]."""
    inner, heads = mamba_sizes(c)
    n = c.mamba_state
    z, mixed, dt = jnp.split(x @ w["in"].astype(x.dtype), (inner, 2 * inner + 2 * n), -1)
    mixed = jnp.pad(mixed.astype(jnp.float32), ((CONV - 1, 0), (0, 0)))
    mixed = sum(mixed[i:i + x.shape[0]] * w["conv"][i] for i in range(CONV)) + w["conv_bias"]
    u, B, C = jnp.split(jax.nn.silu(mixed), (inner, inner + n), -1)
    dt = jax.nn.softplus(dt.astype(jnp.float32) + w["dt_bias"])
    u = u.reshape(-1, heads, c.head_width)
    y = selective_scan(u * dt[..., None], -dt * jnp.exp(w["log_a"]), B, C) + u * w["skip"][:, None]
    y = y.reshape(-1, inner) * jax.nn.silu(z.astype(jnp.float32))
    return net.rms(y, w["inner_norm"], c.epsilon).astype(x.dtype) @ w["out"].astype(x.dtype)


def init(c, key):
    ka, kb, kc = jax.random.split(key, 3)
    blocks = net.init_blocks(c, kb, c.layers)
    if c.mixer not in ("sliding-window", "full-attention"):
        for name in ("q", "k", "v", "o"):
            del blocks[name]
        make = (lambda k: init_mamba(c, k)) if c.mixer == "mamba2" else (lambda k: mixers.init_ttt(k, ttt_config(c), ttt_kind(c)))
        blocks["mixer"] = jax.vmap(make)(jax.random.split(kc, c.layers))
    return {"embedding": jax.random.normal(ka, (c.vocabulary, c.width)) * 0.02, "final_norm": jnp.ones(c.width),
            "blocks": blocks}


def block(c, how, h, w):
    """h [B, T, d]."""
    if c.mixer in ("sliding-window", "full-attention"):
        return net.attention_block(c, h, w, c.window if c.mixer == "sliding-window" else 0, how)
    x = net.rms(h, w["attention_norm"], c.epsilon)
    if c.mixer == "mamba2":
        y = jax.vmap(lambda x: mamba_layer(c, w["mixer"], x))(x)
    else:
        state = mixers.initial_state(ttt_kind(c), w["mixer"])
        y = jax.vmap(lambda x: mixers.ttt_layer(ttt_config(c), ttt_kind(c), w["mixer"], x, state)[0])(x)
    h = h + y
    return h + net.swiglu(net.rms(h, w["mlp_norm"], c.epsilon), w["gate"], w["up"], w["down"])


def nll_of(c, P, h, targets):
    """nll [B, T], the head over some tokens at a time."""
    batch, T, d = h.shape
    n = max(1, T // HEAD_TOKENS)
    one = jax.checkpoint(lambda h, t: net.head(c, P, h.reshape(-1, d), t.reshape(-1))[0].reshape(t.shape))
    part = lambda x: jnp.moveaxis(x.reshape(batch, n, T // n, *x.shape[2:]), 1, 0)
    out = lax.map(lambda xs: one(*xs), (part(h), part(targets)))
    return jnp.moveaxis(out, 0, 1).reshape(batch, T)


def read(c, P, tokens, how="cudnn"):
    """tokens [B, T + 1] -> nll [B, T]."""
    cast = {name: v if name.endswith("norm") or name == "mixer" else v.astype(net.BF16) for name, v in P["blocks"].items()}
    P = {**P, "embedding": P["embedding"].astype(net.BF16)}
    h = P["embedding"][tokens[:, :-1]]
    h, _ = lax.scan(jax.checkpoint(lambda h, w: (block(c, how, h, w), None)), h, cast)
    return nll_of(c, P, h, tokens[:, 1:])
