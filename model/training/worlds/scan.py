"""Runs plans on emitted text alone: the second opinion beside the generator's own state.

Knows nothing of how a world writes: it finds times, words and values in the lines by itself. Words match when
one is the other's stem continued.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import datetime, timezone

from .plan import format_time

MONTHS = {name: i + 1 for i, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
_CLOCK = r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)(?:[.,](?P<f>\d{6}|\d{3})(?!\d))?\s?(?P<z>Z|UTC|[+-]\d\d:?\d\d)?"
_TIMES = [re.compile(form) for form in (
    r"(?P<y>\d{4})[-/](?P<m>\d\d)[-/](?P<d>\d\d)[ T_:]" + _CLOCK,
    r"(?<!\d)(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)[ T_]" + _CLOCK,
    r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>\d{4}) " + _CLOCK,
    r"(?P<d>\d\d)[/ ](?P<b>[A-Z][a-z]{2})[/ ](?P<y>\d{4})[ :]" + _CLOCK,
    r"(?P<b>[A-Z][a-z]{2}) (?P<d>\d\d) " + _CLOCK,
    r"(?<![\d.])(?P<ms>\d{13})(?!\d)",
    r"(?<![\d.])(?P<s>\d{10})(?:\.(?P<sf>\d{3}))?(?!\d)",
)]
_TOKEN = re.compile(r"[^\W_](?:[\w./@+-]*\w)?")
_PART = re.compile(r"[^\W_]+")


def stem(word):
    def drop(text, suffix, keep):
        return text[:-len(suffix)] if text.endswith(suffix) and len(text) >= len(suffix) + keep else None

    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    cut = drop(word, "ing", 4) or (None if word.endswith("eed") else drop(word, "ed", 4))
    if cut:
        word = cut[:-1] if len(cut) > 4 and cut[-1] == cut[-2] and cut[-1] in "bdgmnprt" else cut
    elif word.endswith(("ction", "ation", "ption")):
        word = drop(word, "ion", 4) or word
    else:
        word = drop(word, "ure", 4) or word
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def same_word(stem_of_word, term):
    return term.startswith(stem_of_word) and (len(stem_of_word) >= 6 or stem(term) == stem_of_word)


def read_time(head, now_us):
    """The time at the start of a line in microseconds since 1970, or None."""
    for form in _TIMES:
        match = form.search(head)
        if not match:
            continue
        part = match.groupdict()
        if part.get("ms"):
            return int(part["ms"]) * 1000
        if part.get("s"):
            return int(part["s"]) * 1_000_000 + int(part["sf"] or 0) * 1000
        month = int(part["m"]) if part.get("m") else MONTHS.get(part["b"])
        if not month:
            continue
        clock = (int(part["d"]), int(part["H"]), int(part["M"]), int(part["S"]))
        shift = 0
        if part["z"] and part["z"][0] in "+-":
            digits = part["z"][1:].replace(":", "")
            shift = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if part["z"][0] == "-" else 1)
        year = int(part["y"]) if part.get("y") else datetime.fromtimestamp(now_us / 1e6, timezone.utc).year + 1
        for _ in range(3):  # without a year: the newest that is not in the future
            us = (int(datetime(year, month, *clock, tzinfo=timezone.utc).timestamp()) - shift) * 1_000_000
            if part.get("y") or us <= now_us + 86_400_000_000:
                break
            year -= 1
        return us + int((part["f"] or "0").ljust(6, "0"))
    return None


def value_after(text, key):
    """The value behind the first occurrence of the word `key`, with or without quotes, brackets, '=' or ':'."""
    match = re.search(r"(?<![\w.-])%s(?![\w.-])[\"'\\\s=:\[({<]*([^\s\"'\\\])>},;]+)" % re.escape(key), text)
    return match[1].rstrip(".!") if match else None


class Record:
    __slots__ = ("source", "line", "text", "us")

    def __init__(self, source, line, text, us):
        self.source, self.line, self.text, self.us = source, line, text, us


class Scan:
    """texts: name -> text. Names are asked in the order given."""

    def __init__(self, texts, now_us):
        self._now_us = now_us
        self.records = []
        self.by_source = {name: [] for name in texts}
        self._postings = defaultdict(list)
        for name, text in texts.items():
            self._read(name, text)
        self._words = sorted(self._postings)
        self._order = {name: i for i, name in enumerate(texts)}

    def _read(self, name, text):
        own = self.by_source[name]
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            if line[0] in " \t" and own:
                own[-1].text += "\n" + line
                continue
            own.append(Record(name, number, line, read_time(line[:60], self._now_us)))
        for record in own:
            words = set(_TOKEN.findall(record.text.lower()))
            for word in list(words):
                words.update(_PART.findall(word))
            for word in words:
                self._postings[word].append(len(self.records))
            self.records.append(record)

    def _matching(self, term):
        if not term.stemmed:
            return set(self._postings.get(term.text.lower(), ()))
        found, at = set(), bisect_left(self._words, term.text)
        while at < len(self._words) and self._words[at].startswith(term.text):
            if same_word(term.text, self._words[at]):
                found.update(self._postings[self._words[at]])
            at += 1
        return found

    def _select(self, terms, sources, since, until):
        found = None
        for term in terms:
            matches = self._matching(term)
            found = matches if found is None else found & matches
        ids = range(len(self.records)) if found is None else sorted(found)
        out = []
        for i in ids:
            record = self.records[i]
            if record.source not in sources:
                continue
            if (since is not None and (record.us is None or record.us < since)) or (until is not None and (record.us is None or record.us > until)):
                continue
            out.append(record)
        out.sort(key=lambda record: (record.us or 0, self._order[record.source], record.line))
        return out

    def _value(self, plan, record):
        if plan.field == "time":
            return format_time(record.us)
        return value_after(record.text, plan.near)

    def execute(self, plan, scope):
        """scope: the sources that the question is about. Returns (answer, [(source, line)])."""
        sources = set(plan.sources or scope)
        if plan.kind == "explain":
            records = self.by_source[plan.sources[0]][plan.seq - 1:plan.seq]
            return (records[0].text.split("\n")[0] if records else ""), places(records)
        records = self._select(plan.must, sources, plan.since, plan.until)
        if plan.kind == "digest":
            return "%d records" % len(records), places(records[:1] + records[-1:])
        if plan.kind == "compare":
            base = self._select(plan.must, sources, plan.base_since, plan.base_until)
            return "%d against %d" % (len(records), len(base)), places(records + base)
        if plan.kind == "between":
            return self._between(plan, sources, records)
        if not records:
            return ("0" if plan.kind == "count" else ""), []
        if plan.kind in ("first", "last"):
            record = records[0 if plan.kind == "first" else -1]
            return self._value(plan, record) or "", places([record])
        if plan.kind == "count" and not plan.field:
            return str(len(records)), places(records)
        groups = Counter(value for value in (self._value(plan, record) for record in records) if value)
        if plan.kind == "count":
            return str(len(groups)), places(records)
        if plan.kind == "top":
            rows = sorted(groups.items(), key=lambda row: (-row[1], row[0]))[:plan.limit]
            return ", ".join("%s (%d)" % row for row in rows), places(records)
        return ", ".join(sorted(groups)), places(records)

    def _between(self, plan, sources, starts):
        ends = self._select(plan.to, sources, None, None)
        if not starts or not ends:
            return "", []
        start = starts[0]
        end = next((record for record in ends if (record.us, record.line) >= (start.us, 0)), None)
        return (seconds(end.us - start.us), places([start, end])) if end else ("", [])


def seconds(us):
    return ("%.6f" % (us / 1e6)).rstrip("0").rstrip(".") + " s"


def places(records):
    return [(record.source, record.line) for record in records]
