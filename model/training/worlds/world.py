"""One invented log system and its simulation: machines, background messages, incidents, sources.

World(seed) chooses everything by its own random.Random, so a seed gives the same bytes everywhere. run() emits lines
to the sources in order of true time; each source shows its own (skewed, cut) time. With a ledger, every machine step
is kept for questions; without one (training streams) nothing is.
"""

import heapq
import math
import random
from dataclasses import dataclass, field

from . import machines as m
from .grammar import Grammar, House
from .prose import Prose
from .styles import ALIASES, LEVEL_SETS, MICRO, Envelope, Stamp
from .values import Values, id_maker
from .words import TEAMS, Lexicon, team_value

SHARED = frozenset(("user", "ip", "path", "id", "host"))  # slots with one value in all lines of a ritual
FIXED = [word for words in (*m.STEP_KEYS.values(), *ALIASES.values(), *LEVEL_SETS, TEAMS, ("state", "with", "been"))
         for word in words]
SEEN = (1, 2, 5, 20)  # how often facts of the recall probe are told


@dataclass
class Source:
    name: str
    stamp: Stamp
    envelope: Envelope
    lines: list = field(default_factory=list)
    bytes: int = 0
    line_count: int = 0
    clock: list = field(default_factory=list)  # with a ledger: the shown time of each record

    def add(self, text):
        self.lines.append(text)
        self.bytes += len(text) + 1
        first = self.line_count + 1
        self.line_count += 1 + text.count("\n")
        return first

    def text(self):
        return "\n".join(self.lines) + "\n" if self.lines else ""


@dataclass
class Component:
    name: str
    house: House
    source: Source
    hosts: list
    host: str = ""      # of the line before
    process: str = ""


@dataclass
class Event:
    machine: m.Machine
    step: m.Step
    key: str       # the id
    slots: dict    # kind -> value
    host: str      # of the envelope; "" when not shown
    source: Source
    line: int
    shown_us: int


class World:
    def __init__(self, seed, size=1 << 20):
        self.seed = seed
        self.size = size
        self._rng = rng = random.Random("silt world %d" % seed)
        self.lexicon = Lexicon(rng, FIXED)
        names = ["login", "job", "block", "request", "deploy", "failover", "backup", "queue"]
        chosen = rng.sample(names, rng.randint(2, 5)) + ["incident", "setting"] + ["binding"] * rng.randint(1, 3)
        self.machines = [m.make_machine(rng, self.lexicon, name) for name in chosen]
        self.lexicon.settle()
        self.values = Values(rng, self.lexicon)
        self.values.reasons = self.lexicon.reasons
        self.grammar = Grammar(rng, self.lexicon, self.values)
        self.language = rng.choice(("en", "en", "en", "de", "fr", "es"))
        self._plan_time()
        self._make_sources()
        self._make_components()
        self._make_machines()
        self._make_background()
        self.prose = Prose(rng, self) if rng.random() < 0.7 else None
        self.ledger = None
        self._heap, self._count = [], 0
        self._incident_until = 0.0
        self._incident_machine = None

    # -- making ------------------------------------------------------------------------------------

    def _plan_time(self):
        rng = self._rng
        self.span_s = m.DAY * 10 ** rng.uniform(-0.9, 1)
        self.start_us = int((1_104_537_600 + rng.random() * 9e8) * MICRO)  # 2005 to 2033
        if rng.random() < 0.5:
            self.start_us -= self.start_us % (m.DAY * MICRO)
        self.start_us = int(self.start_us)
        self.rate = max(self.size, 20000) / 130.0 / self.span_s  # lines per second
        self._rhythm = rng.choice((0.0, 0.3, 0.8))
        self._bursts = rng.choice((0.0, 0.0, 0.02, 0.1))

    def _make_sources(self):
        rng = self._rng
        self.sources = []
        for _ in range(rng.choice((1, 1, 2, 3, 4))):
            stamp = Stamp(rng)
            stamp.start_us = self.start_us - 5 * MICRO - abs(stamp.skew_us)
            self.sources.append(Source(self.lexicon.invent() + rng.choice((".log", ".log", ".out", ".txt")), stamp, Envelope(rng, stamp)))

    def _make_components(self):
        rng, invent = self._rng, self.lexicon.invent
        style = rng.choice(("{}", "{}d", "{}-service", "org.{}.{}", "{}.{}", "{}::{}", "{}/{}", "{}_{}"))
        shared = House(rng) if rng.random() < 0.4 else None
        self.components = []
        for _ in range(rng.randint(2, 9)):
            name = style.format(invent(), invent())
            if rng.random() < 0.3:
                name = name[:1].upper() + name[1:]
            hosts = [self.values.hosts.draw() for _ in range(rng.choice((1, 1, 2, 8)))]
            self.components.append(Component(name, shared or House(rng), rng.choice(self.sources), hosts))

    def _bind(self, component, template):
        """The whole line of a template in its component's source, as a %-format."""
        names = [slot.name for slot in template.slots]
        members = [(name, "%%(%d)s" % i) for i, name in enumerate(names) if name not in names[:i]]
        return component.source.envelope.line(template.level, component.name, template.format(), members)

    def _make_machines(self):
        rng = self._rng
        for index, machine in enumerate(self.machines):
            maker = id_maker(rng, self.lexicon)
            if machine.archetype == "setting":
                names = ["%s.%s" % (self.lexicon.invent(), self.lexicon.invent()) for _ in range(rng.randint(3, 20))]
                maker = lambda names=names: rng.choice(names)
            m.equip(rng, self.values, machine, maker)
            machine.index = index
            machine.weight = {"request": 4.0, "incident": 0.02, "setting": 0.1, "failover": 0.1}.get(machine.archetype, 1.0)
            machine.weight *= 2 ** rng.uniform(-1.5, 1.5)
            home = rng.choice(self.components)
            for step in machine.steps.values():
                step.component = home if rng.random() < 0.7 else rng.choice(self.components)
                step.template = m.write_step(rng, step.component.house, machine, step)
                step.bound = self._bind(step.component, step.template)
        self._flow = [machine for machine in self.machines if machine.archetype != "binding"]
        self._flow_weights = [machine.weight for machine in self._flow]

    def _make_background(self):
        """Units of background: single messages and rituals (fixed sequences that share their values)."""
        rng = self._rng
        self._units, weights = [], []
        for component in self.components:
            for _ in range(rng.randint(3, 22)):
                size = rng.choice((1, 1, 1, 2, 3, 5, 8))
                steps = []
                for _ in range(size):
                    template = self.grammar.message(component.house)
                    trace = [self.grammar.trace(rng) for _ in range(3)] if template.trace else None
                    steps.append((self._bind(component, template), template.slots, trace))
                rounds = rng.choice((1,) * 12 + (3, 10, 40, 150))  # a sweep tells the same about one thing after another
                self._units.append((component, steps, rng.choice((0.0, 0.0002, 0.02, 0.5)), rounds))
                weights.append(rng.paretovariate(1.0) / (size * rounds ** 0.7))
        top = sum(weights) * 0.25  # no unit dominates a world
        self._unit_table = rng.choices(self._units, [min(weight, top) for weight in weights], k=2048)
        # How regular this world is: what follows what, which values stay, how lines clump in time.
        count, order = len(self._unit_table), 1 - rng.random() ** 1.6
        self._next_unit = [[rng.randrange(count) for _ in range(rng.choice((1, 1, 2, 4)))] for _ in range(count)]
        self._unit = 0
        self._follow = order ** 0.5 * rng.uniform(0.6, 1)
        self._clump = rng.choice((0.0, 0.5, 0.8, 0.95, 0.98)) * order ** 0.5
        self._tick = rng.choice((0.0, 0.1, 1.0, 5.0, 60.0)) if rng.random() < order else 0.0  # steps wait for it
        self._batches = rng.choice(((1,), (1, 1, 1, 4), (1, 8), (2, 20), (30,))) if rng.random() < order else (1,)
        self._settled = order * rng.uniform(0.5, 1)  # lines that come from the same host and process as the last
        for _, steps, _, _ in self._units:
            for _, slots, _ in steps:
                for slot in slots:
                    slot.keep = rng.choice((0, 0.5, 0.95, 0.99, 1)) * order ** 0.5 if slot.kind != "id" else 0.5 * order
        self._machine_share = rng.uniform(0.1, 0.7) * (1 - 0.5 * order)

    # -- running -----------------------------------------------------------------------------------

    def _push(self, when, action, *arguments):
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, action, arguments))

    def _host(self, component):
        if not component.host or self._rng.random() > self._settled:
            component.host = component.hosts[int(self._rng.random() * len(component.hosts))]
        return component.host

    def _emit(self, when, component, bound, values, host=None):
        source = component.source
        envelope, stamp = source.envelope, source.stamp
        shown = stamp.shown_us(self.start_us + int(when * MICRO))
        draw = self._rng.random
        if host is None:
            host = self._host(component)
        if not component.process or draw() > self._settled:
            component.process = envelope.process_pool[int(draw() * len(envelope.process_pool))]
        line = {str(i): value for i, value in enumerate(values)}
        line["t"] = stamp.render(shown)
        line["h"] = host
        line["p"] = component.process
        if self.ledger is not None:
            source.clock.append(shown)
        return source.add(bound % line), shown, host

    def _background(self, when):
        draw = self._rng.random
        nexts = self._next_unit[self._unit]
        self._unit = nexts[int(draw() * len(nexts))] if draw() < self._follow else int(draw() * 2048)
        component, steps, gap, rounds = self._unit_table[self._unit]
        shared = {} if len(steps) > 1 else None
        host = self._host(component)
        if rounds > 1:
            self._sweep(when, component, steps, gap / 10, 1 + int(draw() * rounds), host)
            return
        if len(steps) > 1 and gap > 0.1:
            self._ritual(when, component, steps, gap, 0, shared, host)
            return
        for bound, slots, trace in steps:
            self._message(when, component, bound, slots, trace, shared, host)
            when += gap

    def _message(self, when, component, bound, slots, trace, shared, host):
        values, draw = [], self._rng.random
        for slot in slots:
            if shared is not None and slot.kind in SHARED and slot.kind in shared:
                value = shared[slot.kind]
            elif slot.last is not None and draw() < slot.keep:
                value = slot.last
            else:
                value = slot.draw()
            slot.last = value
            if shared is not None:
                shared[slot.kind] = value
            values.append(value)
        self._emit(when, component, bound, values, host)
        if trace and not component.source.envelope.structured:
            component.source.add(trace[int(self._rng.random() * len(trace))])

    def _sweep(self, when, component, steps, gap, rounds, host):
        """The same lines again and again; only each one's first slot moves on."""
        for bound, slots, _ in steps[:2]:
            values = [slot.last or slot.draw() for slot in slots]
            for slot, value in zip(slots, values):
                slot.last = value
            for _ in range(rounds):
                if slots:
                    values[0] = slots[0].draw()
                self._emit(when, component, bound, values, host)
                when += gap

    def _ritual(self, when, component, steps, gap, at, shared, host):
        bound, slots, trace = steps[at]
        self._message(when, component, bound, slots, trace, shared, host)
        if at + 1 < len(steps):
            self._push(when + gap * self._rng.random(), self._ritual, component, steps, gap, at + 1, shared, host)

    def _start_machine(self, when):
        machine = self._rng.choices(self._flow, self._flow_weights)[0]
        if machine.archetype == "incident":
            self._incident_until = when + self._rng.expovariate(1 / (self.span_s / 40))
            self._incident_machine = self._rng.choice(self._flow)
        values = {}
        for _ in range(self._rng.choice(self._batches) if machine.weight > 0.1 else 1):
            self._step(when, machine, machine.start, machine.make_id(), values)
            values = {kind: value for kind, value in values.items() if kind != "path"}

    def _step(self, when, machine, role, key, values):
        step = machine.steps[role]
        told = []
        for kind in step.kinds:
            if kind in m.PER_STEP or kind not in values:
                values[kind] = machine.draw[kind]()
            told.append(values[kind])
        line, shown, host = self._emit(when, step.component, step.bound, [key] + told)
        if self.ledger is not None:
            source = step.component.source
            self.ledger.append(Event(machine, step, key, dict(zip(step.kinds, told)),
                                     host if source.envelope.shows_host else "", source, line, shown))
        if machine.archetype == "incident" and self.prose and role == "ok":
            self.prose.ticket(when, machine, key, values)
        if not step.nexts:
            return
        rng = self._rng
        weights = [weight for _, weight, _ in step.nexts]
        if machine is self._incident_machine and when < self._incident_until:  # an incident: failures rise
            weights = [weight * (12 if name.startswith(("bad", "worse")) else 1) for name, weight, _ in step.nexts]
        name, _, delay = rng.choices(step.nexts, weights)[0]
        if name:
            then = when + rng.expovariate(1 / delay)
            if self._tick:
                then += self._tick - then % self._tick
            self._push(then, self._step, machine, name, key, values)

    def _plan_bindings(self):
        """Facts for the recall probe: told 1, 2, 5 or 20 times, spread over the world."""
        rng = self._rng
        for machine in self.machines:
            if machine.archetype != "binding":
                continue
            for i in range(max(4, min(200, self.size // 20000))):
                key = machine.make_id()
                values = {"word": team_value(rng)}
                seen = SEEN[i % len(SEEN)]
                first = rng.random() * self.span_s * 0.9
                room = self.span_s * 0.95 - first
                for told in range(seen):
                    self._push(first + room * told / seen * rng.random(), self._step, machine, "tell", key, values)

    def run(self, ledger=None):
        """Simulates until about `size` bytes are written. Returns the sources that have lines."""
        self.ledger = ledger
        rng = self._rng
        self._plan_bindings()
        if self.prose:
            self.prose.begin()
        steps_per_start = 3.0 * sum(self._batches) / len(self._batches)
        base = self.rate * (1 - self._machine_share) / 1.8 + self.rate * self._machine_share / steps_per_start
        start_share = (self.rate * self._machine_share / steps_per_start) / base
        now, burst, written = 0.0, 1.0, 0
        phase, turn, rhythm = rng.random() * 6.28, 6.2832 / m.DAY, self._rhythm
        while written < self.size:
            speed = base * burst * (1 + rhythm * math.sin(phase + turn * now))
            then = now if rng.random() < self._clump else now + rng.expovariate(speed * (1 - self._clump))
            while self._heap and self._heap[0][0] <= then:
                when, _, action, arguments = heapq.heappop(self._heap)
                action(when, *arguments)
            now = then
            if self._bursts and rng.random() < self._bursts * 0.05:
                burst = rng.choice((1.0, 1.0, 8.0, 40.0))
            if rng.random() < start_share:
                self._start_machine(now)
            else:
                self._background(now)
            written = sum(source.bytes for source in self.sources)
        self.end_us = self.start_us + int(now * MICRO)
        if self.prose:
            self.prose.end(now)
        return [source for source in self.all_sources() if source.lines]

    def all_sources(self):
        return self.sources + (self.prose.sources if self.prose else [])
