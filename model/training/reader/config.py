"""The shape of a net and its learning rule. Everything here ends up in the weight file's header."""

import dataclasses
from types import SimpleNamespace

MIXERS = ("ttt-e2e", "ttt-linear", "ttt-mlp", "sliding-window", "full-attention", "mamba2")
RULES = ("clipped-sgd", "momentum", "newton-schulz")
LEARNS = ("all", "down")


@dataclasses.dataclass(frozen=True)
class Config:
    mixer: str = "ttt-e2e"
    rule: str = "clipped-sgd"
    layers: int = 6
    fast_layers: int = 2      # the last of them, which carry fast weights (ttt-e2e)
    width: int = 512          # d
    heads: int = 8
    head_width: int = 64
    mlp_width: int = 1408     # static SwiGLU
    fast_width: int = 384     # fast SwiGLU
    learns: str = "all"       # of it: gate, up and down with a step each, or down with a step of each hidden unit
    vocabulary: int = 8192
    minibatch: int = 128      # b, tokens
    window: int = 512         # k, tokens; a multiple of b
    rope_theta: float = 1e4
    epsilon: float = 1e-5
    clip: float = 1.0         # of the inner gradient's norm over all fast tensors
    step: float = 0.3         # initial inner step
    decay: float = 6.0        # logit of the initial decay; 30: weights never go back to W_0
    decay_spread: float = 0.0  # logits of hidden units begin evenly within decay - spread and decay + spread (learns=down)
    mamba_state: int = 64

    def __post_init__(self):
        assert self.mixer in MIXERS and self.rule in RULES and self.learns in LEARNS
        assert self.window % self.minibatch == 0

    @property
    def prefix_layers(self):
        return self.layers - self.fast_layers if self.mixer == "ttt-e2e" else self.layers

    def with_(self, **changes):
        return dataclasses.replace(self, **changes)


def parse(text, base=Config()):
    """'width=384,mixer=ttt-linear' -> Config: for command lines."""
    kinds = {field.name: type(getattr(base, field.name)) for field in dataclasses.fields(base)}
    pairs = (item.split("=") for item in text.split(",") if item)
    return base.with_(**{name: kinds[name](value) for name, value in pairs})


def ttt_kind(c):
    return c.mixer.removeprefix("ttt-") if c.mixer in ("ttt-linear", "ttt-mlp") else None


def ttt_config(c):
    return SimpleNamespace(n_layer=c.layers, d=c.width, n_head=c.heads, hd=c.head_width, ff=c.mlp_width,
                           vocab=c.vocabulary, theta=c.rope_theta, eps=c.epsilon)
