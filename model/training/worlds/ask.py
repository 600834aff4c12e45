"""Questions with checked answers: from the generator's ledger, confirmed by a scan of the emitted text.

A Query is the meaning of a question. It becomes a plan (text), a question (phrases) and, on the ledger, an answer. The
scan then runs the plan on the text; an answer or evidence that differs is counted and the question dropped.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from . import phrases as p
from .plan import Plan, Term, format_plan, format_time, parse_plan
from .scan import Scan, seconds, stem
from .styles import MICRO
from .words import TEAMS

KINDS = ("find", "count", "top", "first", "last", "between", "compare", "explain", "digest", "recall")
EVIDENCE_MAX = 50
HOUR_US, DAY_US = 3600 * MICRO, 86400 * MICRO


@dataclass
class Query:
    kind: str               # of the plan
    form: str               # of the phrases
    machine: object = None
    step: object = None
    end_step: object = None
    key: str = ""           # the id
    who: str = ""           # another value the record must have
    slot: str = ""          # kind of the slot that is asked; "time"
    since: int = None
    until: int = None
    base_since: int = None
    base_until: int = None
    limit: int = 5
    seq: int = None
    source: str = ""
    label: str = ""         # what kind the question is filed under, when not the plan's
    ticket: object = None


def word_term(word):
    return Term(stem(word), True)


def field_of(slot, key):
    """The plan's field for a slot, and the word its value stands behind."""
    if slot == "user" and key in ("user", "account"):
        return "user", key
    return (slot if slot in ("ip", "path", "duration") else "number" if slot == "number" else "word"), key


def to_plan(query):
    plan = Plan(query.kind, limit=query.limit, since=query.since, until=query.until, base_since=query.base_since,
                base_until=query.base_until, seq=query.seq)
    if query.source:
        plan.sources.append(query.source)
    if query.key:
        plan.must.append(Term(query.key.lower()))
    if query.machine:
        if not query.key:
            plan.must.append(word_term(query.machine.noun))
        plan.must.append(word_term(query.step.verb))
        if query.who:
            plan.must.append(Term(query.who.lower()))
        if query.slot == "time":
            plan.field = "time"
        elif query.slot:
            plan.field, plan.near = field_of(query.slot, query.machine.keys[query.slot])
    if query.ticket:
        plan.field, plan.near = "word", query.slot
    if query.end_step:
        plan.to += [Term(query.key.lower()), word_term(query.end_step.verb)]
    if query.kind == "top":
        plan.order = "most"
    return plan


class Ledger:
    """Answers queries from what the generator did."""

    def __init__(self, world, events, sources):
        self._rank = {source.name: i for i, source in enumerate(sources)}
        self._sources = {source.name: source for source in sources}
        self._steps = defaultdict(list)
        self._world = world
        for event in events:
            self._steps[event.machine.index, event.step.role].append(event)
        for some in self._steps.values():
            some.sort(key=lambda event: (event.shown_us, self._rank[event.source.name], event.line))

    def of(self, machine, step):
        return self._steps[machine.index, step.role]

    def _select(self, query, step, since, until):
        out = []
        for event in self.of(query.machine, step):
            if query.key and event.key != query.key:
                continue
            if query.who and query.who not in event.slots.values() and query.who != event.host:
                continue
            if (since is None or event.shown_us >= since) and (until is None or event.shown_us <= until):
                out.append(event)
        return out

    def answer(self, query):
        if query.ticket is not None:
            ticket = query.ticket
            known = isinstance(ticket, str) is False
            return (ticket.slots[query.slot], [(ticket.source.name, ticket.line)]) if known else ("", [])
        if query.kind == "explain":
            source, record = self._sources[query.source], query.seq - 1
            text, line = numbered(source)[record]
            return text.split("\n")[0], [(source.name, line)]
        if query.kind == "digest":
            return None  # counted at emission; see Asker
        events = self._select(query, query.step, query.since, query.until)
        if query.kind == "compare":
            base = self._select(query, query.step, query.base_since, query.base_until)
            return "%d against %d" % (len(events), len(base)), spots(events + base)
        if query.kind == "between":
            ends = [event for event in self._select(query, query.end_step, None, None)
                    if events and (event.shown_us, event.line) >= (events[0].shown_us, 0)]
            return (seconds(ends[0].shown_us - events[0].shown_us), spots([events[0], ends[0]])) if ends else ("", [])
        if not events:
            return ("0" if query.kind == "count" else ""), []
        values = [format_time(event.shown_us) if query.slot == "time" else event.slots.get(query.slot) for event in events]
        if query.kind in ("first", "last"):
            at = 0 if query.kind == "first" else -1
            return values[at], spots([events[at]])
        if query.kind == "count" and not query.slot:
            return str(len(events)), spots(events)
        groups = Counter(values)
        if query.kind == "count":
            return str(len(groups)), spots(events)
        if query.kind == "top":
            rows = sorted(groups.items(), key=lambda row: (-row[1], row[0]))[:query.limit]
            return ", ".join("%s (%d)" % row for row in rows), spots(events)
        return ", ".join(sorted(groups)), spots(events)


def numbered(source):
    """(text, line) of each record: a trace belongs to the record in front of it."""
    out, line = [], 1
    for text in source.lines:
        if text[:1] not in (" ", "\t"):
            out.append((text, line))
        line += 1 + text.count("\n")
    return out


def spots(events):
    return [(event.source.name, event.line) for event in events]


class Asker:
    """Makes and checks questions about one finished world."""

    def __init__(self, rng, world, events, sources):
        self._rng, self._world = rng, world
        self._sources = sources
        self._logs = [source for source in sources if source in world.sources]
        self._events = events
        self._ledger = Ledger(world, events, sources)
        texts = {source.name: source.text() for source in sources}
        self._scan = Scan(texts, world.end_us)
        self._wall = all(source.stamp.wall for source in self._logs)
        self._steps = [(machine, step) for machine in world.machines for step in machine.steps.values()
                       if self._ledger.of(machine, step)]
        self._flow = [pair for pair in self._steps if pair[0].archetype not in ("setting", "binding")] or self._steps
        self.dropped = []

    def questions(self, count):
        """Yields dictionaries for questions.jsonl."""
        makers = (self._find, self._find, self._count, self._count, self._distinct, self._top, self._top, self._first_last,
                  self._first_last, self._when, self._between, self._between, self._compare, self._explain, self._digest,
                  self._setting, self._setting, self._recall, self._recall, self._recall, self._ticket)
        for number in range(count):
            query = makers[number % len(makers)]()
            if query is None:
                continue
            question = self._ask(query)
            if question:
                yield question

    # -- queries -----------------------------------------------------------------------------------

    def _step(self, wall=False, slotted=False):
        rng = self._rng
        for _ in range(20):
            machine, step = rng.choice(self._flow)
            if (not wall or step.component.source.stamp.wall) and (not slotted or step.kinds):
                return machine, step
        return None

    def _event(self, machine, step):
        return self._rng.choice(self._ledger.of(machine, step))

    def _unknown_key(self, machine):
        known = {event.key for event in self._events}
        while True:
            key = machine.make_id() if machine.archetype != "setting" else self._world.lexicon.invent()
            if key not in known:
                return key

    def _find(self):
        pair = self._step(slotted=True)
        if not pair:
            return None
        machine, step = pair
        key = self._event(machine, step).key if self._rng.random() < 0.85 else self._unknown_key(machine)
        return Query("find", "find", machine, step, key=key, slot=self._rng.choice(step.kinds))

    def _range(self):
        """A range of whole hours or a day within the world, both ends inclusive."""
        rng, world = self._rng, self._world
        unit = rng.choice((HOUR_US, HOUR_US, DAY_US))
        first = rng.randint(world.start_us, max(world.start_us, world.end_us - 1)) // unit * unit
        return first, first + unit * (1 if unit == DAY_US else rng.randint(1, 6)) - 1

    def _who(self, machine, step, slot):
        kinds = [kind for kind in step.kinds if kind != slot and kind in ("user", "host", "peer", "ip", "word", "reason")]
        if not kinds or self._rng.random() < 0.5:
            return ""
        return self._event(machine, step).slots[self._rng.choice(kinds)]

    def _filtered(self, query):
        query.who = self._who(query.machine, query.step, query.slot)
        if query.step.component.source.stamp.wall and self._rng.random() < 0.4:
            query.since, query.until = self._range()
        return query

    def _count(self):
        return self._filtered(Query("count", "count", *self._step()))

    def _distinct(self):
        pair = self._step(slotted=True)
        return pair and Query("count", "distinct", *pair, slot=self._rng.choice(pair[1].kinds))

    def _top(self):
        pair = self._step(slotted=True)
        if not pair:
            return None
        query = Query("top", "top", *pair, slot=self._rng.choice(pair[1].kinds), limit=self._rng.randint(1, 5))
        if pair[1].component.source.stamp.wall and self._rng.random() < 0.3:
            query.since, query.until = self._range()
        return query

    def _first_last(self):
        pair = self._step(wall=True, slotted=True)
        kind = self._rng.choice(("first", "last"))
        return pair and self._filtered(Query(kind, kind, *pair, slot=self._rng.choice(pair[1].kinds), limit=1))

    def _when(self):
        pair = self._step(wall=True)
        if not pair:
            return None
        kind = self._rng.choice(("first", "last"))
        return Query(kind, kind + "_time", *pair, key=self._event(*pair).key, slot="time", limit=1)

    def _between(self):
        for _ in range(20):
            pair = self._step(wall=True)
            if not pair:
                return None
            machine, step = pair
            ends = [machine.steps[name] for name, _, _ in step.nexts if name and machine.steps[name] is not step]
            ends = [end for end in ends if end.component.source.stamp.wall]
            if not ends:
                continue
            if self._rng.random() < 0.1:
                return Query("between", "between", machine, step, self._rng.choice(ends), key=self._unknown_key(machine))
            key, end = self._event(machine, step).key, self._rng.choice(ends)
            if self._rng.random() < 0.1 or any(event.key == key for event in self._ledger.of(machine, end)):
                return Query("between", "between", machine, step, end, key=key)
        return None

    def _compare(self):
        pair = self._step(wall=True)
        if not pair:
            return None
        since, until = self._range()
        return Query("compare", "compare", *pair, since=since, until=until, base_since=since - (until + 1 - since),
                     base_until=since - 1, limit=10)

    def _explain(self):
        source = self._rng.choice(self._logs)
        return Query("explain", "explain", source=source.name, seq=self._rng.randint(1, len(numbered(source))), limit=1)

    def _digest(self):
        if not self._wall:
            return None
        since, until = self._range()
        return Query("digest", "digest", since=since, until=until, limit=10)

    def _setting(self):
        pairs = [pair for pair in self._steps if pair[0].archetype == "setting" and pair[1].component.source.stamp.wall]
        if not pairs:
            return None
        machine, step = pairs[0]
        key = self._event(machine, step).key if self._rng.random() < 0.85 else self._unknown_key(machine)
        return Query("last", "setting", machine, step, key=key, slot="number", limit=1)

    def _recall(self):
        pairs = [pair for pair in self._steps if pair[0].archetype == "binding"]
        if not pairs:
            return None
        machine, step = self._rng.choice(pairs)
        keys = sorted({event.key for event in self._ledger.of(machine, step)})
        key = self._rng.choice(keys) if self._rng.random() < 0.95 else self._unknown_key(machine)
        return Query("find", "recall", machine, step, key=key, slot="word", limit=5, label="recall")

    def _ticket(self):
        prose = self._world.prose
        if not prose or not prose.tickets:
            return None
        ticket = self._rng.choice(prose.tickets)
        slot = self._rng.choice(list(ticket.slots))
        if self._rng.random() < 0.15:
            return Query("find", "ticket", key=ticket.key + "99999", slot=slot, source=ticket.source.name, ticket="none")
        return Query("find", "ticket", key=ticket.key, slot=slot, source=ticket.source.name, ticket=ticket)

    # -- from a query to a checked question ----------------------------------------------------------

    def _say_range(self, language, since, until, bare=False):
        rng = self._rng
        day = format_time(since)[:10]
        if since % DAY_US == 0 and until - since == DAY_US - 1:
            if day == format_time(self._world.end_us)[:10] and not bare and rng.random() < 0.7:
                return rng.choice(p.TODAY[language])
            return rng.choice(p.ON_DAY[language]).format(d=day)
        first, last = (format_time(us)[:16].replace("T", " ") for us in (since, until + 1))
        text = rng.choice(p.WHEN[language]).format(a=first, b=last)
        return text.lstrip() if bare else text

    def _digest_of(self, query):
        """What was emitted in a range, from the sources' own lines and clocks."""
        hits = []
        for rank, source in enumerate(self._logs):
            for at, (_, line) in enumerate(numbered(source)):
                us = source.clock[at]
                if query.since <= us <= query.until:
                    hits.append((us, rank, line, source.name))
        hits.sort()
        return "%d records" % len(hits), [(hit[3], hit[2]) for hit in hits[:1] + hits[-1:]]

    def _ask(self, query):
        rng = self._rng
        plan = format_plan(to_plan(query))
        answer, evidence = self._digest_of(query) if query.kind == "digest" else self._ledger.answer(query)
        scope = [query.source] if query.source else [source.name for source in self._logs]
        second, spots_found = self._scan.execute(parse_plan(plan), scope)
        kind = query.label or query.kind
        if (second, sorted(set(spots_found))) != (answer, sorted(set(evidence))):
            self.dropped.append({"plan": plan, "state": answer, "scan": second, "state_lines": evidence[:5], "scan_lines": spots_found[:5]})
            return None
        held_out = rng.random() < 0.1
        language, number, phrase = p.choose(rng, query.form, held_out)
        slipped = rng.random() < 0.12
        if slipped:
            phrase = p.typo(rng, phrase)
        question = phrase.format(**self._fillers(query, language))
        found = sorted(set(evidence))
        out = {"question": question, "language": language, "kind": kind, "plan": plan, "answer": answer,
               "evidence_lines": found[:EVIDENCE_MAX], "evidence_total": len(found),
               "answerable": bool(found) or query.kind in ("count", "compare", "digest"), "paraphrase": "%s/%s/%d" % (query.form, language, number),
               "held_out": held_out, "typo": slipped, "scope": scope, "asked_at": format_time(self._world.end_us)}
        if kind == "recall" and found:
            out.update(self._probe(query, found))
        return out

    def _fillers(self, query, language):
        rng = self._rng
        step_key = query.machine.keys.get(query.slot, "") if query.machine else query.slot
        out = {"noun": query.machine.noun if query.machine else "", "verb": query.step.verb if query.step else "",
               "verb2": query.end_step.verb if query.end_step else "", "id": query.key, "key": step_key, "n": query.limit,
               "source": query.source, "seq": query.seq, "who": "", "when": "", "when2": ""}
        if query.who:
            out["who"] = rng.choice(p.WHO[language]).format(v=query.who)
        if query.since is not None:
            out["when"] = self._say_range(language, query.since, query.until)
        if query.base_since is not None:
            out["when2"] = self._say_range(language, query.base_since, query.base_until, bare=True).lstrip()
        return out

    def _probe(self, query, found):
        """For closed-book recall: how often told, how long ago, the line up to the value, 99 other values."""
        rng = self._rng
        events = [event for event in self._ledger.of(query.machine, query.step) if event.key == query.key]
        last = max(events, key=lambda event: event.line)
        value = last.slots["word"]
        others = {other.slots["word"] for other in self._events if other.machine.archetype == "binding"} - {value}
        while len(others) < 99:
            others.add("%s-%d" % (rng.choice(TEAMS), rng.randint(1, 999)))
            others.discard(value)
        lines = last.source.line_count
        text = next(text for text, line in numbered(last.source) if line == last.line)
        return {"seen": len(found), "gap_lines": lines - last.line, "prompt": text[text.rindex(query.key):text.index(value, text.rindex(query.key))],
                "choices": rng.sample(sorted(others), 99)}


def facts(world, events, limit=20000):
    """facts.jsonl: (subject, relation, value) with every line that states it; the newest value is marked."""
    table, newest = {}, {}
    for event in sorted(events, key=lambda event: (event.shown_us, event.line)):
        for kind, value in event.slots.items():
            relation = "%s %s %s" % (event.machine.noun, event.step.verb, event.machine.keys[kind])
            row = table.setdefault((event.key, relation, value), [])
            row.append((event.source.name, event.line))
            newest[event.key, relation] = value
    for ticket in world.prose.tickets if world.prose else []:
        for relation, value in ticket.slots.items():
            table.setdefault((ticket.key, relation, value), []).append((ticket.source.name, ticket.line))
            newest[ticket.key, relation] = value
    for (subject, relation, value), lines in list(table.items())[:limit]:
        yield {"subject": subject, "relation": relation, "value": value, "lines": lines, "newest": newest[subject, relation] == value}
