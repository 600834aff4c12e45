"""Between the parameters of mixers.init_net() and the tensors of a weight file: the same values, other names.

In the file every tensor is a matrix or a vector. What a layer has per head lies head after head: w1 as
[heads * f, hidden], w2 as [heads * hidden, f], and the vectors joined. The SwiGLUs are filled up with hidden units
that do nothing, since the engine's fast backend wants multiples of 32. Needs numpy, not JAX.
"""
import numpy as np

MIXER = {"linear": "ttt_linear", "mlp": "ttt_mlp"}
STATE = {"linear": ("w1", "c1"), "mlp": ("w1", "c1", "w2", "c2")}
LAYER = ("q", "k", "v", "o", "lr_weight", "lr_bias", "position_scale", "ln_scale", "ln_shift", "post_norm_scale",
         "post_norm_shift")
MATRICES = {"q", "k", "v", "o", "lr_weight", "w1", "w2"}
BLOCK = {"ln1": "ttt_norm", "ln2": "mlp_norm", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}
WHOLE = {"embed": "embedding", "lnf": "final_norm"}


def mlp_width(cfg):
    """Hidden width in the file."""
    return (cfg.ff + 31) // 32 * 32


def metadata(cfg, kind, minibatch_tokens=128):
    """What the engine needs to know; texts for people and the tokenizer's entries come on top.

    minibatch_tokens is how many tokens the engine reads at a time, a multiple of 16: the learning does not
    depend on it."""
    return {"format": "silt-1", "mixer": MIXER[kind], "rule": "minibatch-gd", "layers": cfg.n_layer, "width": cfg.d,
            "heads": cfg.n_head, "head_width": cfg.hd, "mlp_width": mlp_width(cfg), "vocabulary": cfg.vocab,
            "minibatch_tokens": minibatch_tokens, "rope_theta": cfg.theta, "norm_epsilon": cfg.eps,
            "tokenizer": "byte-bpe", "pretokenizer": "silt-pre-1", "start_token": 0}


def tensors(cfg, kind, params):
    """Tensor name -> array of the file, from parameters whose blocks are stacked [n_layer, ...]."""
    idle = mlp_width(cfg) - cfg.ff
    fill = {"gate": [(0, 0), (0, idle)], "up": [(0, 0), (0, idle)], "down": [(0, idle), (0, 0)]}
    flat = {theirs: np.asarray(params[ours]) for ours, theirs in WHOLE.items()}
    for n in range(cfg.n_layer):
        block = f"blocks.{n}."
        for ours, theirs in BLOCK.items():
            values = np.asarray(params["blocks"][ours][n])
            flat[block + theirs] = np.pad(values, fill[ours]) if ours in fill else values
        for name in LAYER + STATE[kind]:
            values = np.asarray(params["blocks"]["ttt"][name][n])
            flat[block + "ttt." + name] = values.reshape(-1, values.shape[-1]) if name in MATRICES else values.ravel()
    return flat


def parameters(cfg, kind, flat):
    """The inverse of tensors(), but for idle hidden units, which stay: the parameters, stacked, as numpy arrays."""
    heads, f = cfg.n_head, cfg.hd
    per_head = {"ln_scale": (heads, f), "ln_shift": (heads, f), "w1": (heads, f, -1), "c1": (heads, -1),
                "w2": (heads, -1, f), "c2": (heads, f)}
    stack = lambda name: np.stack([np.asarray(flat[f"blocks.{n}.{name}"]) for n in range(cfg.n_layer)])

    def layer(name):
        values = stack("ttt." + name)
        return values.reshape(cfg.n_layer, *per_head[name]) if name in per_head else values

    blocks = {ours: stack(theirs) for ours, theirs in BLOCK.items()}
    blocks["ttt"] = {name: layer(name) for name in LAYER + STATE[kind]}
    return {ours: np.asarray(flat[theirs]) for ours, theirs in WHOLE.items()} | {"blocks": blocks}
