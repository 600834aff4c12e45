"""How BERT's uncased tokenizer cleans and cuts text, recorded from the `tokenizers` library for every code point.

A code point becomes what `folds` lists for it, or stays (lower case, accents stripped, canonical decomposition).
Each result is of a class: WORD continues a word, SPACE ends one, DROPPED leaves no trace, ALONE is a word by itself.
Hangul syllables are not listed: arithmetic decomposes them.
"""
import tokenizers

WORD, SPACE, DROPPED, ALONE = range(4)
FOLD_MAX = 3  # code points that one code point becomes, at most

HANGUL_FIRST, HANGUL_LAST = 0xAC00, 0xD7A3


def code_points():
    return (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)


class Reference:
    def __init__(self):
        self.normalizer = tokenizers.normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
        self.cutter = tokenizers.pre_tokenizers.BertPreTokenizer()

    def fold(self, text):
        return self.normalizer.normalize_str(text)

    def words(self, text):
        return [word for word, _ in self.cutter.pre_tokenize_str(self.fold(text))]


def jamo(code):
    index = code - HANGUL_FIRST
    parts = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    return parts + [0x11A7 + index % 28] * (index % 28 > 0)


def class_of(reference, code):
    words = reference.words(f"a{chr(code)}b")
    if words == ["a", "b"]:
        return SPACE
    if words == ["ab"]:
        return DROPPED
    return ALONE if len(words) == 3 else WORD


def record():
    """(class of each code point that is no WORD, code points that each folded one becomes)"""
    reference = Reference()
    classes = {code: kind for code in code_points() if (kind := class_of(reference, code)) != WORD}
    folds = {}
    for code in code_points():
        text = reference.fold(chr(code)).strip(" ")
        if text and text != chr(code) and not HANGUL_FIRST <= code <= HANGUL_LAST:
            folds[code] = [ord(c) for c in text]
    check(reference, classes, folds)
    return classes, folds


def words_by_rules(text, classes, folds):
    words, current = [], ""
    for c in map(ord, text):
        parts = jamo(c) if HANGUL_FIRST <= c <= HANGUL_LAST else folds.get(c, [c])
        for part in parts:
            kind = classes.get(part, WORD)
            if kind in (SPACE, ALONE):
                words += [current] * bool(current)
                current = ""
            if kind == ALONE:
                words.append(chr(part))
            if kind == WORD:
                current += chr(part)
    return words + [current] * bool(current)


def check(reference, classes, folds):
    assert max(map(len, folds.values())) <= FOLD_MAX
    for code in code_points():
        text = f"a{chr(code)}b"
        assert words_by_rules(text, classes, folds) == reference.words(text), f"U+{code:04X}"


def ranges(classes):
    """[first, last, class] of neighbours of one class, flat."""
    out = []
    for code, kind in sorted(classes.items()):
        if out and out[-1][1] == code - 1 and out[-1][2] == kind:
            out[-1][1] = code
        else:
            out.append([code, code, kind])
    return out
