"""Documentation files to plain text: manual pages (roff), HTML, and what is text already. Standard library only."""

import gzip
import html.parser
import re

_CHARACTERS = {"(em": "-", "(en": "-", "(bu": "*", "(aq": "'", "(cq": "'", "(oq": "'", "(lq": '"', "(rq": '"', "(dq": '"', "(co": "(c)",
               "(ha": "^", "(ti": "~", "(rs": "\\", "(->": "->", "(<-": "<-", "(mu": "x", "(+-": "+/-"}
_BLOCKS = frozenset("p div section article h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table tr pre blockquote br hr".split())
_HIDDEN = frozenset("script style nav head footer form button svg".split())
_HIDDEN_CLASSES = frozenset("navheader navfooter sphinxsidebar related footer toc spirit-nav headerlink apache".split())
_VOID = frozenset("br hr img input link meta col area base wbr source".split())


def read(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return clean(data.decode("utf-8", "replace"))


def clean(text):
    """Unix line ends, no control characters but tab and newline, no more than one empty line in a row."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    return re.sub(r"\n{3,}", "\n\n", text)


def _inline(text):
    """Roff escapes within a line."""
    text = re.sub(r'\\["#].*', "", text)
    text = re.sub(r"\\f(?:\[\w*\]|\(..|.)", "", text)
    text = re.sub(r"\\\*?(?:(\(..)|\[(\w\w|->)\])", lambda m: _CHARACTERS.get(m[1] or "(" + m[2], ""), text)
    text = re.sub(r"\\s[-+]?\d|\\[&|^/,%:cdu)]|\\[hvwm](?:'[^']*'|\[[^]]*\])", "", text)
    return re.sub(r"\\([-~ 0e'`.])", lambda m: {"~": " ", "0": " ", "e": "\\"}.get(m[1], m[1]), text)


def _arguments(text):
    return [_inline(quoted or bare) for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', text)]


def man_text(source):
    """A manual page; "" for one that only refers to another."""
    out, in_table_head = [], False
    if source.lstrip().startswith(".so "):
        return ""
    for line in source.split("\n"):
        match = re.match(r"[.']\s*([A-Za-z]+)\s*(.*)", line)
        if not match:
            if in_table_head:  # the columns' formats, up to a line that ends with a full stop
                in_table_head = not line.rstrip().endswith(".")
            elif not line.startswith((".", "'")):
                out.append(_inline(line))
            continue
        macro, rest = match.groups()
        in_table_head = macro in ("TS", "T&")
        if macro in ("SH", "SS", "Sh", "Ss"):
            out += ["", " ".join(_arguments(rest)), ""]
        elif macro in ("PP", "P", "LP", "TP", "TQ", "sp", "Pp", "RS", "RE"):
            out.append("")
        elif macro in ("IP", "It"):
            out += ["", " ".join(_arguments(rest)[:1])]
        elif macro in ("B", "I", "SM", "SB", "Nm", "Fl", "Ar", "Xr", "Dv", "Pa"):
            out.append(" ".join(_arguments(rest)))
        elif macro in ("BR", "RB", "BI", "IB", "IR", "RI"):
            out.append("".join(_arguments(rest)))
        elif macro == "UR" or macro == "MT":
            out.append("<%s>" % rest)
    return clean("\n".join(line for line in out if line not in ("_", "="))).strip() + "\n"


class _Html(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self._open, self._hidden, self._pre = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        classes = set((dict(attributes).get("class") or "").lower().split())
        hide = tag in _HIDDEN or bool(classes & _HIDDEN_CLASSES)
        if tag in _BLOCKS:
            self.out.append("\n- " if tag == "li" else " | " if tag == "td" else "\n")
        if tag in _VOID:
            return
        self._open.append((tag, hide))
        self._hidden += hide
        self._pre += tag == "pre"

    def handle_endtag(self, tag):
        if not any(name == tag for name, _ in self._open):
            return
        while True:  # closes what was left open within
            name, hide = self._open.pop()
            self._hidden -= hide
            self._pre -= name == "pre"
            if name == tag:
                break
        if tag in _BLOCKS:
            self.out.append("\n")

    def handle_data(self, data):
        if not self._hidden:
            self.out.append(data if self._pre else re.sub(r"\s+", " ", data))


def html_text(source):
    parser = _Html()
    parser.feed(source)
    parser.close()
    text = "".join(parser.out).replace("\xa0", " ").replace("\u00b6", "")
    return clean(re.sub(r"[ \t]+\n", "\n", re.sub(r"\n +(?=\S)", "\n", text))).strip() + "\n"


def document(path):
    """The text of one file, or "" when it is none that we read."""
    name = path.name[:-3] if path.suffix == ".gz" else path.name
    if path.suffix == ".html" and path.with_suffix(".txt").exists() or "/_sources/" in path.as_posix():
        return ""  # the same text twice
    if "/man/" in path.as_posix() and re.search(r"\.[1-9]\w*$", name):
        return man_text(read(path))
    if name.endswith((".html", ".htm", ".en")):
        return html_text(read(path))
    if name.endswith((".txt", ".rst", ".md")) and "/_static/" not in path.as_posix():
        return read(path)
    return ""
