"""Surface plans: what the reader writes, mostly words copied from the question; resolve() makes them query plans.

The grammar is in docs/plan-grammar.md. A surface plan names times as the question does ("yesterday", "-2h"); only
resolve() knows the clock and the sources.
"""

import re
from datetime import datetime, timezone

from worlds.plan import SLOTS, Plan, Term
from worlds.scan import stem

MICRO, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
KINDS = ("find", "count", "top", "first", "last", "between", "compare", "explain", "digest")
# In this order; a star: may be repeated.
CLAUSES = ("id*", "word*", "hint*", "phrase*", "to*", "field", "near", "pattern", "seq", "source*", "in", "since", "until", "base",
           "base-since", "base-until", "limit", "order")
RANKS = {clause.rstrip("*"): i for i, clause in enumerate(CLAUSES)}
REPEATED = frozenset(clause[:-1] for clause in CLAUSES if clause.endswith("*"))
FIELDS = SLOTS[1:]
ORDERS = ("time", "newest", "most", "least")
_NAMES = {"field": FIELDS, "order": ORDERS}
LIMITS = {"find": 5, "count": 5, "top": 10, "first": 1, "last": 1, "between": 5, "compare": 10, "explain": 1, "digest": 10}
UNITS = {"s": MICRO, "m": 60 * MICRO, "h": HOUR, "d": DAY, "w": 7 * DAY}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARTS = {"morning": (0, 12 * HOUR), "afternoon": (12 * HOUR, 18 * HOUR), "evening": (18 * HOUR, DAY), "night": (-6 * HOUR, 6 * HOUR)}
_COPY = r'(?:"[^"|\x00-\x1f\x7f]* [^"|\x00-\x1f\x7f]*"|[^" |\x00-\x1f\x7f]+)'
_CLAUSE = re.compile(r" ([a-z-]+):(%s(?:\|%s)*)(?= |\Z)" % (_COPY, _COPY))


def quote(text):
    """A copied text as it stands in a surface plan; ValueError when it cannot stand there."""
    if not text or re.search(r'["|\x00-\x1f\x7f]', text):
        raise ValueError("not for a surface plan: %r" % text)
    return '"%s"' % text if " " in text else text


def _copies(text):
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|([^"|]+)', text)]


def parse_surface(text):
    """(kind, [(clause, value)]) in the order written; ValueError when it is no surface plan."""
    kind = text.partition(" ")[0]
    if kind not in KINDS:
        raise ValueError("no kind of plan: " + kind)
    clauses, at, rest = [], 0, text[len(kind):]
    while at < len(rest):
        match = _CLAUSE.match(rest, at)
        if not match or match[1] not in RANKS:
            raise ValueError("damaged clause: " + rest[at:])
        if clauses and RANKS[match[1]] < RANKS[clauses[-1][0]] + (match[1] not in REPEATED):
            raise ValueError("clause out of order: " + match[1])
        if match[1] != "word" and not re.fullmatch(_COPY, match[2]):
            raise ValueError("alternatives of a clause that has none: " + match[1])
        if match[1] in ("pattern", "seq", "limit") and not re.fullmatch(r"\d{1,3}" if match[1] == "limit" else r"\d{1,18}", match[2]):
            raise ValueError("no number: " + match[0])
        if match[1] in _NAMES and match[2] not in _NAMES[match[1]]:
            raise ValueError("no %s: %s" % (match[1], match[2]))
        clauses.append((match[1], match[2]))
        at = match.end()
    return kind, clauses


def lower(text):
    """ASCII only, as the daemon's index."""
    return re.sub(r"[A-Z]+", lambda match: match[0].lower(), text)


def stem_of(word):
    """The stem counts bytes, as the daemon does."""
    return stem(lower(word).encode().decode("latin-1")).encode("latin-1").decode()


def words_of(text):
    """The words of a quoted text as the index has them, each once."""
    return sorted(set(re.findall(r"[\w./@+-]*\w", lower(text))))


def civil_us(*parts):
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp()) * MICRO


class Clock:
    """Reads points of time: (begin, end) of what is written, in microseconds since 1970; end not included."""

    def __init__(self, now_us, zone_s=0):
        self._now, self._zone = now_us, zone_s * MICRO
        self._today = (now_us + self._zone) // DAY * DAY - self._zone

    def _day(self, text):
        """The start of a day, or None."""
        if text == "today":
            return self._today
        if text == "yesterday":
            return self._today - DAY
        if text in WEEKDAYS:  # the latest one, today included
            weekday = ((self._today + self._zone) // DAY + 3) % 7
            return self._today - (weekday - WEEKDAYS.index(text)) % 7 * DAY
        match = re.fullmatch(r"(?:(\d{4})-)?(\d\d)-(\d\d)", text)
        if not match:
            return None
        month, day = int(match[2]), int(match[3])
        if match[1]:
            return civil_us(int(match[1]), month, day) - self._zone
        year = datetime.fromtimestamp(self._now // MICRO, timezone.utc).year
        start = civil_us(year, month, day)
        return (start if start <= self._now + DAY else civil_us(year - 1, month, day)) - self._zone

    def point(self, text):
        if text == "now":
            return self._now, self._now + MICRO
        match = re.fullmatch(r"-([1-9]\d{0,3})([smhdw])", text)
        if match:
            begin = self._now - int(match[1]) * UNITS[match[2]]
            return begin, self._now
        if text in PARTS:
            begin, end = PARTS[text]
            return self._today + begin, self._today + end
        day_text, _, clock_text = text.rpartition("T")
        match = re.fullmatch(r"(\d\d):(\d\d)(?::(\d\d))?", clock_text)
        if not match:
            day = self._day(text)
            if day is None:
                raise ValueError("no time: " + text)
            return day, day + DAY
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        if hour > 23 or minute > 59 or second > 59:
            raise ValueError("no time of day: " + text)
        day = self._day(day_text) if day_text else self._today
        if day is None:
            raise ValueError("no day: " + text)
        begin = day + hour * HOUR + (minute * 60 + second) * MICRO
        if not day_text and begin > self._now:  # the latest one that is not after now
            begin -= DAY
        return begin, begin + (MICRO if match[3] else 60 * MICRO)

    def until(self, text):
        begin, end = self.point(text)
        return (end if end - begin == DAY and "T" not in text and text[0] != "-" else begin) - 1


def resolve(text, now_us, sources=(), zone_s=0):
    """The query plan of a surface plan. ValueError when it is none, or names a source that is not among `sources`."""
    kind, clauses = parse_surface(text)
    plan, clock, ids = Plan(kind, limit=LIMITS[kind]), Clock(now_us, zone_s), []
    for key, value in clauses:
        copies = _copies(value)
        if key == "id":
            plan.must.append(Term(lower(copies[0])))
            ids.append(plan.must[-1])
        elif key == "to" and " " in copies[0]:
            plan.to += [Term(word) for word in words_of(copies[0])]
        elif key in ("word", "hint", "to"):
            words = [stem_of(copy) for copy in copies]
            term = Term(words[0], True, alternatives=words[1:])
            {"word": plan.must, "hint": plan.may, "to": plan.to}[key].append(term)
        elif key == "phrase":
            words = words_of(copies[0])
            plan.must += [Term(word) for word in words]
            plan.phrases += [copies[0]] if len(words) > 1 and kind != "between" else []
        elif key == "near":
            plan.near = copies[0]
        elif key == "field":
            plan.field = value
        elif key == "source":
            plan.sources.append(known_source(copies[0], sources))
        elif key in ("pattern", "seq", "limit"):
            setattr(plan, key, int(value))
        elif key == "order":
            plan.order = value
        elif key in ("in", "base"):
            begin, end = clock.point(value)
            since, until = ("since", "until") if key == "in" else ("base_since", "base_until")
            setattr(plan, since, begin)
            setattr(plan, until, end - 1)
        elif key in ("since", "base-since"):
            setattr(plan, key.replace("-", "_"), clock.point(value)[0])
        else:
            setattr(plan, key.replace("-", "_"), clock.until(value))
    _settle(plan, ids, now_us)
    return plan


def _settle(plan, ids, now_us):
    if plan.kind == "between":  # both ends are about the same thing
        plan.to = ids + plan.to
    if plan.kind == "top" and plan.order == "relevance":
        plan.order = "most"
    if plan.kind == "digest" and plan.since is None and plan.until is None:
        plan.since = now_us - DAY


def known_source(name, sources):
    """The source that a question means: its name, or the last part of its path."""
    low = lower(name)
    for source in sources:
        full = lower(source)
        if full == low or full.endswith(":" + low) or re.split(r"[/:]", full)[-1] == low:
            return source
    raise ValueError("no such source: " + name)
