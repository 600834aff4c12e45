"""One run world and the episodes that come of it: plans, answers from evidence, recall.

An episode is {"segments": [[text, role]], "skill": ..., "meta": {...}}. Roles: "stream" is log text, read and learned from;
"ask" is a prompt, read only; "answer" is what the reader shall write.
"""

import random
from collections import defaultdict

from worlds import phrases
from worlds.words import team_value
from worlds.world import SEEN, World

from . import asking, markers

WORLD_BYTES = 40_000
TEXT_MAX = 800                    # of the log in front of plans and evidence
STREAM_MIN, STREAM_MAX = 1500, 8000
LINES_MAX = 8
NONE_SHARE = 0.25                 # of the questions have no line that answers them


class LessonWorld(World):
    """A small world with many facts for recall, each told within a stretch that an episode can hold."""

    def _plan_bindings(self):
        rng = self._rng
        for machine in self.machines:
            if machine.archetype != "binding":
                continue
            for i in range(max(8, self.size // 1500)):
                key, seen = machine.make_id(), rng.choice(SEEN[:3] + (1, 2, 2, SEEN[3] if i % 4 == 0 else 2))
                values = {"word": team_value(rng)}
                first = rng.random() * self.span_s * 0.95
                room = self.span_s * min(1.0, 4000 / self.size)
                for told in range(seen):
                    self._push(first + room * (told + rng.random()) / seen, self._step, machine, "tell", key, values)


class Lessons:
    """Everything is drawn from one random.Random: the same seed gives the same episodes."""

    def __init__(self, seed, held_out=False, size=WORLD_BYTES):
        self._rng = random.Random("lessons %d" % seed)
        self.seed, self._held_out = seed, held_out
        self.world, self.events = LessonWorld(seed, size), []
        self.sources = self.world.run(self.events)
        self._asker = asking.PlanAsker(self._rng, self.world, [source.name for source in self.sources])
        self._shown = {}       # (source name, first line) -> text of the record
        self._at = {}          # the same -> its place in source.lines
        for source in self.sources:
            line = 1
            for at, text in enumerate(source.lines):
                self._shown[source.name, line] = text
                self._at[source.name, line] = at
                line += 1 + text.count("\n")
        self._by_key, self._by_step = defaultdict(list), defaultdict(list)
        for event in self.events:
            self._by_key[event.key].append(event)
            self._by_step[event.machine.index, event.step.role].append(event)
        self._slotted = [step for step, some in self._by_step.items() if some[0].step.kinds]

    # -- plans -------------------------------------------------------------------------------------------

    def plan(self):
        segments, forms = self._opening(), []
        for _ in range(self._rng.randint(10, 20)):
            made = self._asker.ask(self._held_out)
            forms.append(made["form"])
            segments += [[markers.plan_prompt(made["question"]), "ask"], [made["surface"] + "\n", "answer"]]
        return self._episode("plan", segments, forms=len(forms))

    def plan_item(self):
        return self._asker.ask(self._held_out)

    def _opening(self):
        """In half of the episodes some log stands in front."""
        if self._rng.random() < 0.5:
            return []
        return [[self._slice(self._rng.choice(self.sources), self._rng.randint(100, TEXT_MAX))[0], "stream"]]

    def _slice(self, source, size):
        """(text, first, last) of consecutive records, about `size` bytes; always at least one."""
        lines = source.lines
        first = last = self._rng.randrange(len(lines))
        room = size
        while last < len(lines) and (room > 0 or last == first):
            room -= len(lines[last]) + 1
            last += 1
        while first > 0 and room > 0:
            first -= 1
            room -= len(lines[first]) + 1
        return "\n".join(lines[first:last])[:2 * size].rstrip("\n") + "\n", first, last

    # -- answers from evidence -----------------------------------------------------------------------------

    def open(self):
        """None in a world where hardly anything with a value happened, as with closed()."""
        segments, answers = self._opening() if self._rng.random() < 0.6 else [], []
        for _ in range(self._rng.choice((1, 2, 2, 3))):
            item = self.open_item()
            if not item:
                return None
            segments += [[markers.open_prompt(item["lines"], item["question"]), "ask"], [item["answer"] + "\n", "answer"]]
            answers.append(item["answer"] != markers.NONE)
        return self._episode("open", segments, answered=sum(answers))

    def open_item(self):
        """{"question", "lines", "answer", "form", ...}: evidence and what stands in it; or None, see open()."""
        for _ in range(200 if self._slotted else 0):
            item = self._from_ticket() if self._rng.random() < 0.12 else self._from_event()
            if item:
                return item
        return None

    def _text(self, event):
        return markers.cut(self._shown[event.source.name, event.line])

    def _from_event(self):
        rng = self._rng
        event = rng.choice(self._by_step[rng.choice(self._slotted)])  # each step as often as any other, told often or not
        slot, machine = rng.choice(event.step.kinds), event.machine
        form = {"setting": "setting", "binding": "recall"}.get(machine.archetype, "find")
        same = [one for one in self._by_key[event.key] if one.machine is machine]
        right = [one for one in same if one.step is event.step]
        fits = [self._text(one) for one in right]
        if form == "setting":
            right = right[-1:]
        if any(one.slots[slot] not in self._text(one) or one.key not in self._text(one) for one in right):
            return None
        none = rng.random() < NONE_SHARE
        others = [one for one in same if one.step is not event.step and self._text(one) not in fits]
        rng.shuffle(others)
        chosen = [] if none else right[-3:]
        if form == "setting" and not none:
            chosen = [one for one in same if one.step is event.step][-3:]
        wrong = others[:rng.choice((0, 0, 1, 2))] + self._distractors(event, rng.randint(0, LINES_MAX))
        wrong = [one for one in wrong if self._text(one) not in fits][:LINES_MAX - len(chosen)]
        if not chosen and not wrong:
            return None
        return self._evidence(form, event, slot, chosen, wrong, none)

    def _distractors(self, event, count):
        """Other lines, the harder ones first: the same step of other things, other steps, anything."""
        rng, out = self._rng, []
        step = self._by_step[event.machine.index, event.step.role]
        for _ in range(count):
            one = rng.choice(step if rng.random() < 0.5 else self.events)
            if one.key != event.key:
                out.append(one)
        return out

    def _evidence(self, form, event, slot, chosen, wrong, none):
        rng = self._rng
        events = list({self._text(one): one for one in wrong + chosen}.values())
        if form == "setting" or rng.random() < 0.4:
            events.sort(key=lambda one: (one.shown_us, one.line))
        else:
            rng.shuffle(events)
        lines = [self._text(one) for one in events]
        if form == "setting":
            chosen = chosen[-1:]
        for _ in range(rng.choice((0, 0, 0, 1, 2)) if len(lines) < LINES_MAX else 0):  # a line about nothing of it
            text = markers.cut(rng.choice(rng.choice(self.sources).lines))
            if text.strip() and event.key not in text and text not in lines:
                lines.insert(rng.randrange(len(lines) + 1), text)
        lines = self._within_budget(lines[:LINES_MAX], [self._text(one) for one in chosen])
        refs = {}
        for one in chosen:
            text = self._text(one)
            if text in lines:
                refs.setdefault(one.slots[slot], []).append(lines.index(text) + 1)
        if not refs and not none:
            return None
        answer = ", ".join("%s %s" % (value, " ".join("[%d]" % n for n in sorted(set(at)))) for value, at in
                           sorted(refs.items(), key=lambda row: min(row[1]))) or markers.NONE
        question, where = self._question(form, event, slot)
        return {"question": question, "lines": lines, "answer": answer, "form": where, "values": list(refs), "kind": form}

    def _within_budget(self, lines, needed):
        """`lines` without some of those that are not needed, within EVIDENCE_MAX bytes."""
        lines = list(lines)
        while sum(len(line.encode()) for line in lines) > markers.EVIDENCE_MAX:
            spare = [line for line in lines if line not in needed] or lines
            lines.remove(self._rng.choice(spare))
        return lines

    def _question(self, form, event, slot):
        rng, machine = self._rng, event.machine
        language, number, phrase = phrases.choose(rng, form, self._held_out)
        if rng.random() < 0.1:
            phrase = phrases.typo(rng, phrase)
        key = machine.keys[slot]
        names = asking.TYPE_NAMES[language].get({"peer": "host"}.get(slot, slot))
        kinds = [{"peer": "host"}.get(kind, kind) for kind in event.step.kinds]
        if names and rng.random() < 0.25 and kinds.count({"peer": "host"}.get(slot, slot)) == 1:  # which host is meant must be clear
            key = rng.choice(names)
        say = {"noun": machine.noun, "verb": event.step.verb, "id": event.key, "key": key}
        return phrase.format(**say), "%s/%s/%d" % (form, language, number)

    def _from_ticket(self):
        rng, tickets = self._rng, self.world.prose.tickets if self.world.prose else []
        if not tickets:
            return None
        ticket = rng.choice(tickets)
        slot, none = rng.choice(list(ticket.slots)), rng.random() < NONE_SHARE
        cuts = {one.key: markers.cut(markers.one_line(self._shown[one.source.name, one.line])).rsplit(" ", 1)[0] for one in tickets}
        pool = [one for one in tickets if one is not ticket]
        lines = [cuts[one.key] for one in rng.sample(pool, min(len(pool), rng.randint(0, 5)))]
        lines = [line for line in lines if ticket.key not in line]
        if not none:
            lines.insert(rng.randrange(len(lines) + 1), cuts[ticket.key])
        lines = self._within_budget(lines, [cuts[ticket.key]])
        if not lines or ticket.slots[slot] not in cuts[ticket.key]:
            return None
        language, number, phrase = phrases.choose(rng, "ticket", self._held_out)
        answer = markers.NONE if none else "%s [%d]" % (ticket.slots[slot], lines.index(cuts[ticket.key]) + 1)
        return {"question": phrase.format(key=slot, id=ticket.key), "lines": lines, "answer": answer, "form": "ticket/%s/%d" % (language, number),
                "values": [] if none else [ticket.slots[slot]], "kind": "ticket"}

    # -- recall ----------------------------------------------------------------------------------------------

    def closed(self):
        """None when a stretch of log happens to have no fact."""
        told = [event for event in self.events if event.machine.archetype == "binding"]
        if not told:
            return None
        rng, event = self._rng, self._rng.choice(told)
        source, size = event.source, rng.randint(STREAM_MIN, STREAM_MAX)
        first = max(0, self._at[source.name, event.line] - rng.randint(0, size // 150))
        last, room = first, size
        while last < len(source.lines) and room > 0:
            room -= len(source.lines[last]) + 1
            last += 1
        text = "\n".join(source.lines[first:last]) + "\n"
        seen = defaultdict(list)
        for one in told:
            if one.source is source and first <= self._at[source.name, one.line] < last:
                seen[one.key].append(one)
        others = [one for one in self.events if one.source is source and one.machine.archetype != "binding" and one.step.kinds and
                  first <= self._at[source.name, one.line] < last]
        segments, counts = [[text, "stream"]], []
        for key in rng.sample(sorted(seen), min(len(seen), 8)):
            question, _ = self._question("recall", seen[key][0], "word")
            segments += [[markers.recall_prompt(question), "ask"], [seen[key][0].slots["word"] + "\n", "answer"]]
            counts.append(len(seen[key]))
        for one in rng.sample(others, min(len(others), rng.choice((0, 1, 2)))):
            if sum(other.key == one.key and other.step is one.step for other in others) == 1:
                slot = rng.choice(one.step.kinds)
                segments += [[markers.recall_prompt(self._question("find", one, slot)[0]), "ask"], [one.slots[slot] + "\n", "answer"]]
                counts.append(1)
        return self._episode("closed", segments, seen=counts) if counts and len(text.encode()) < STREAM_MAX + 1500 else None

    def _episode(self, skill, segments, **meta):
        return {"segments": segments, "skill": skill, "meta": {"seed": self.seed, **meta}}
