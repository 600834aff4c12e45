"""State machines: processes whose instances run through steps, each step one log line.

An archetype gives the shape (roles, what each tells, where it goes next, how long it takes); the world gives the
words. Verbs are anchors: no other line of the world uses them, so a step's lines can be selected by words alone.
"""

from dataclasses import dataclass, field

from .grammar import Slot, Template

HOUR, DAY = 3600.0, 86400.0

# role: (level, slots told, [(next role, weight, mean delay in s)]). A role that starts with "bad" is a failure.
ARCHETYPES = {
    "login": {
        "begin": (1, ("user", "ip"), (("ok", 8, 0.5), ("bad", 2, 2))),
        "ok": (1, ("user", "ip", "host"), (("end", 8, HOUR),)),
        "bad": (2, ("user", "ip", "reason"), (("begin", 5, 6), ("", 5, 0))),
        "end": (1, ("user", "duration"), ()),
    },
    "job": {
        "begin": (1, ("user", "host"), (("step", 9, 20), ("bad", 1, 60))),
        "step": (0, ("host", "number"), (("step", 4, 30), ("ok", 5, 60), ("bad", 1, 90))),
        "ok": (1, ("host", "duration", "size"), (("late", 3, 8 * HOUR), ("", 7, 0))),
        "bad": (3, ("host", "reason"), (("begin", 6, 120), ("", 4, 0))),
        "late": (1, ("user", "path"), ()),
    },
    "block": {
        "begin": (1, ("host", "size"), (("copy", 9, 2), ("bad", 1, 3))),
        "copy": (1, ("host", "peer"), (("copy", 5, 2), ("ok", 5, 5))),
        "ok": (1, ("size",), (("late", 5, DAY / 2), ("", 5, 0))),
        "bad": (2, ("peer", "reason"), (("copy", 7, 10), ("", 3, 0))),
        "late": (1, ("path",), ()),
    },
    "request": {
        "begin": (0, ("ip", "path"), (("ok", 95, 0.1), ("bad", 5, 1))),
        "ok": (1, ("path", "duration", "size"), ()),
        "bad": (3, ("path", "reason", "number"), ()),
    },
    "deploy": {
        "begin": (1, ("user", "version", "host"), (("step", 9, 60), ("bad", 1, 60))),
        "step": (1, ("host", "version"), (("ok", 8, 120), ("bad", 2, 60))),
        "ok": (1, ("version", "duration"), (("late", 2, DAY), ("", 8, 0))),
        "bad": (3, ("host", "reason"), (("late", 8, 300), ("", 2, 0))),
        "late": (2, ("user", "version"), ()),
    },
    "failover": {
        "bad": (3, ("host", "reason"), (("step", 1, 5),)),
        "step": (2, ("peer",), (("ok", 8, 10), ("worse", 2, 20))),
        "ok": (1, ("peer", "duration"), ()),
        "worse": (4, ("reason",), (("step", 1, 30),)),
    },
    "backup": {
        "begin": (1, ("path", "host"), (("ok", 9, 600), ("bad", 1, 300))),
        "ok": (1, ("path", "size", "duration"), (("late", 5, 2 * DAY), ("", 5, 0))),
        "bad": (3, ("path", "reason"), (("begin", 8, HOUR), ("", 2, 0))),
        "late": (1, ("path", "user"), ()),
    },
    "queue": {
        "begin": (1, ("word", "number"), (("step", 9, 3), ("bad", 1, 30))),
        "step": (0, ("host", "word"), (("ok", 8, 5), ("bad", 2, 8))),
        "ok": (1, ("word", "duration"), ()),
        "bad": (2, ("word", "reason"), (("begin", 3, 60), ("late", 3, 6 * HOUR), ("", 4, 0))),
        "late": (2, ("user", "word"), ()),
    },
    "incident": {
        "bad": (3, ("host", "reason"), (("ok", 1, HOUR),)),
        "ok": (1, ("user", "reason", "duration"), ()),
    },
    "setting": {"change": (1, ("user", "number"), ())},
    "binding": {"tell": (1, ("word",), ())},
}
PER_STEP = {"duration", "number", "size"}  # drawn anew at each step; the rest belongs to the instance

# No key here is a word of an envelope: a value must stand behind the first occurrence of its key.
STEP_KEYS = {
    "user": ("user", "account", "owner", "requester", "operator"), "host": ("target", "origin", "agent", "site"),
    "peer": ("peer", "standby", "partner"), "ip": ("client", "remote", "addr", "caller"),
    "path": ("path", "file", "dir", "resource"), "number": ("value", "round", "attempt", "amount", "step"),
    "duration": ("took", "elapsed", "runtime", "spent"), "size": ("size", "volume", "payload"),
    "word": ("class", "lane", "category", "bundle", "owner_group"), "reason": ("reason", "cause", "why", "detail"),
    "version": ("version", "release", "build"),
}
GERMAN = {"user": "Benutzer", "host": "Ziel", "ip": "Absender", "path": "Datei", "reason": "Ursache", "duration": "Dauer",
          "size": "Umfang", "word": "Klasse", "number": "Wert", "version": "Version", "peer": "Partner"}


@dataclass
class Step:
    role: str
    verb: str
    level: int
    kinds: tuple
    nexts: tuple
    component: object = None
    template: Template = None
    bound: object = None


@dataclass
class Machine:
    archetype: str
    noun: str
    keys: dict            # slot kind -> key in the line
    steps: dict = field(default_factory=dict)
    start: str = ""
    make_id: object = None
    draw: dict = field(default_factory=dict)
    weight: float = 1.0
    index: int = 0

    def step_named(self, verb):
        return next(step for step in self.steps.values() if step.verb == verb)


def make_machine(rng, lexicon, archetype):
    keys, used = {}, set()
    german = rng.random() < 0.06
    for kind, names in STEP_KEYS.items():
        free = [name for name in names if name not in used]
        keys[kind] = GERMAN[kind] if german else rng.choice(free)
        used.add(keys[kind])
    machine = Machine(archetype, lexicon.anchor_noun(), keys)
    for role, (level, kinds, nexts) in ARCHETYPES[archetype].items():
        bad = role.startswith(("bad", "worse"))
        verb = lexicon.anchor_failure() if bad else lexicon.anchor_verb()
        jitter = tuple((name, weight * rng.uniform(0.6, 1.6), delay * 3 ** rng.uniform(-1, 1)) for name, weight, delay in nexts)
        machine.steps[role] = Step(role, verb, level, kinds, jitter)
    machine.start = next(iter(machine.steps))
    return machine


def write_step(rng, house, machine, step):
    """The line of one step: noun, id and verb in some order, then its slots behind their keys. Slot 0 is the id."""
    noun, verb = machine.noun, step.verb
    form = rng.choice(((noun + " ", " " + verb), (verb + " " + noun + " ", ""), (noun + "[", "] " + verb),
                       (noun + "=", " state=" + verb), (noun + " with id ", " was " + verb), (noun + " #", ": " + verb),
                       ("[" + noun + " ", "] " + verb), (noun + " '", "' has been " + verb), ("[" + verb + "] " + noun + " ", ""),
                       (verb + ": " + noun + " ", ""), (noun + "(", ") -> " + verb), (noun + " ", " is " + verb + " now")))
    template = Template([house.sentence(form[0]) if house.case != "upper_first" else form[0], 0], level=step.level)
    template.slots.append(Slot("id", "id"))
    if form[1]:
        template.pieces.append(form[1])
    for kind in step.kinds:
        template.slots.append(Slot(machine.keys[kind], kind))
        template.pieces += house.annotate(machine.keys[kind], len(template.slots) - 1)
    template.pieces = house.finish(template.pieces)
    return template


def equip(rng, values, machine, make_id):
    """Gives the machine its ids and the generators of its slots."""
    machine.make_id = make_id
    for kind in STEP_KEYS:
        source = {"peer": "host", "reason": None}.get(kind, kind)
        if kind == "reason":
            pool = rng.sample(values.reasons, min(len(values.reasons), rng.randint(2, 7)))
            machine.draw[kind] = lambda pool=pool: pool[int(rng.random() ** 1.7 * len(pool))]
        else:
            machine.draw[kind] = values.source(source)
