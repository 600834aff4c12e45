"""Query plans in their canonical text: format(parse(text)) == text."""

import dataclasses
import re
from datetime import datetime, timedelta, timezone

KINDS = ("find", "count", "top", "first", "last", "between", "compare", "explain", "digest")
ORDERS = ("relevance", "time", "newest", "most", "least")
SLOTS = ("none", "ip", "host", "user", "port", "number", "id", "path", "url", "email", "package", "duration", "word", "subject", "state",
         "component", "place", "time", "hour", "day", "pattern", "source")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BARE = re.compile(r"[A-Za-z0-9_./@+-]+\Z")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z0-9_./@+-]+', re.S)


@dataclasses.dataclass
class Term:
    text: str
    stemmed: bool = False
    alternatives: list = dataclasses.field(default_factory=list)
    synonyms: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Plan:
    kind: str
    must: list = dataclasses.field(default_factory=list)
    may: list = dataclasses.field(default_factory=list)
    phrases: list = dataclasses.field(default_factory=list)
    to: list = dataclasses.field(default_factory=list)
    field: str = ""
    near: str = ""
    pattern: int = None
    seq: int = None
    sources: list = dataclasses.field(default_factory=list)
    since: int = None       # microseconds since 1970, inclusive, as is until
    until: int = None
    base_since: int = None
    base_until: int = None
    limit: int = 5
    order: str = "relevance"


def format_time(us):
    moment = _EPOCH + timedelta(microseconds=us)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return text + (".%06d" % moment.microsecond if moment.microsecond else "") + "Z"


def parse_time(text):
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
    return (datetime.strptime(text, form).replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)


def _string(text):
    if _BARE.match(text):
        return text
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif ord(char) < 32 or ord(char) == 127:
            out.append("\\x%02x" % ord(char))
        else:
            out.append(char)
    return '"%s"' % "".join(out)


def _unstring(text):
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 3 else m[1], text[1:-1], flags=re.S)


def _term(term):
    others = "".join("|" + _string(word) for word in term.alternatives) + "".join("~" + _string(word) for word in term.synonyms)
    return _string(term.text) + ("*" if term.stemmed else "") + others


def format_plan(plan):
    out = [plan.kind]
    out += ["must:" + _term(term) for term in plan.must] + ["may:" + _term(term) for term in plan.may]
    out += ["phrase:" + _string(text) for text in plan.phrases] + ["to:" + _term(term) for term in plan.to]
    out += ["field:" + plan.field] if plan.field not in ("", "none") else []
    out += ["near:" + _string(plan.near)] if plan.near else []
    out += ["pattern:%d" % plan.pattern] if plan.pattern is not None else []
    out += ["seq:%d" % plan.seq] if plan.seq is not None else []
    out += ["source:" + _string(name) for name in plan.sources]
    for key in ("since", "until", "base_since", "base_until"):
        value = getattr(plan, key)
        out += ["%s:%s" % (key.replace("_", "-"), format_time(value))] if value is not None else []
    out.append("limit:%d" % plan.limit)
    out += ["order:" + plan.order] if plan.order != "relevance" else []
    return " ".join(out)


class _Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def string(self):
        match = _STRING.match(self.text, self.at)
        if not match:
            raise ValueError("string expected at %d: %s" % (self.at, self.text))
        self.at = match.end()
        return _unstring(match[0])

    def eat(self, char):
        if self.text.startswith(char, self.at):
            self.at += 1
            return True
        return False

    def term(self):
        term = Term(self.string(), self.eat("*"))
        while self.eat("|"):
            term.alternatives.append(self.string())
        while self.eat("~"):
            term.synonyms.append(self.string())
        return term

    def word(self):
        end = self.text.find(" ", self.at)
        start, self.at = self.at, len(self.text) if end < 0 else end
        return self.text[start:self.at]


def parse_plan(text):
    reader = _Reader(text)
    plan = Plan(reader.word())
    if plan.kind not in KINDS:
        raise ValueError("no kind of plan: " + plan.kind)
    lists = {"must": plan.must, "may": plan.may, "to": plan.to}
    while reader.at < len(text):
        if not reader.eat(" "):
            raise ValueError("clauses are separated by one space: " + text)
        key = text[reader.at:text.index(":", reader.at)]
        reader.at += len(key) + 1
        if key in lists:
            lists[key].append(reader.term())
        elif key == "phrase":
            plan.phrases.append(reader.string())
        elif key == "source":
            plan.sources.append(reader.string())
        elif key == "near":
            plan.near = reader.string()
        elif key in ("field", "order"):
            name = reader.word()
            if name not in {"field": SLOTS, "order": ORDERS}[key]:
                raise ValueError("no %s: %s" % (key, name))
            setattr(plan, key, name)
        elif key in ("pattern", "seq", "limit"):
            setattr(plan, key, int(reader.word()))
        elif key in ("since", "until", "base-since", "base-until"):
            setattr(plan, key.replace("-", "_"), parse_time(reader.word()))
        else:
            raise ValueError("unknown clause: " + key)
    return plan
