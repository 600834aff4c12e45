"""Message grammar: sentences with typed slots, derived by rules under a component's house style.

  message   = event | action | call | state | metric | trouble | heading
  event     = phrase participle [ slots ]        "small cache rebuilt for user=kelo"
  action    = gerund phrase [ slots ]            "Rebuilding small cache (user kelo)"
  call      = Name "." name "(" ")" [ slots ]    "SmallCache.rebuild() user=kelo"
  state     = phrase ( "is now" | "changed from" state "to" | ... ) state [ slots ]
  metric    = phrase ":" key value { "," key value }
  trouble   = ( "could not" | "failed to" | ... ) verb phrase ":" reason [ slots ]
  heading   = word words
  phrase    = [ adjective ] noun | noun noun | invented noun
  slots     = { annotated value }                every value directly behind its key

A Template is a list of literals and slots; it is compiled once per source into a %-format.
"""

import re
from dataclasses import dataclass, field

SLOT_KINDS = ("user", "host", "ip", "path", "number", "number", "number", "duration", "word", "hex", "size", "url",
              "version", "code", "endpoint", "id", "email")
KEYS = {
    "user": ("user", "account", "by", "owner"), "host": ("node", "peer", "target", "origin"),
    "ip": ("addr", "client", "from", "remote", "ip"), "path": ("path", "file", "dir", "location"),
    "duration": ("took", "elapsed", "after", "wait"), "word": ("name", "type", "kind", "group", "class"),
    "hex": ("ptr", "mask", "flags", "sum"), "size": ("size", "total", "bytes"), "url": ("url", "uri", "endpoint"),
    "version": ("version", "rev", "release"), "code": ("code", "status", "rc"), "endpoint": ("peer", "to", "listen"),
    "id": ("id", "ref", "key", "handle"), "email": ("mail", "contact"),
}


@dataclass(eq=False)
class Slot:
    name: str  # key in the line, directly in front of the value
    kind: str
    draw: object = None  # makes a value; None: the event brings it
    last: str = None     # the value told last
    keep: float = 0.0    # how often it is told again


@dataclass
class Template:
    pieces: list  # str | int (index of a slot)
    slots: list = field(default_factory=list)
    level: int = 1
    trace: bool = False  # followed by a multi-line trace

    def format(self):
        return "".join("%%(%d)s" % piece if isinstance(piece, int) else piece.replace("%", "%%") for piece in self.pieces)


class House:
    """How one component writes: case, annotation of values, full stops."""

    ANNOTATIONS = (" {k}={v}", " {k}={v}", " {k}: {v}", " ({k} {v})", ", {k} {v}", " {k}='{v}'", " [{k} {v}]", "; {k}={v}",
                   " {k} {v}", " {{{k}:{v}}}", " {k}=<{v}>", ' {k} "{v}"')

    def __init__(self, rng):
        self.rng = rng
        self.annotation = rng.choice(self.ANNOTATIONS)
        self.case = rng.choice(("lower", "lower", "title", "upper_first"))
        self.stop = rng.choice(("", "", "", ".", "!", " ..."))
        self.arrow = rng.choice((" -> ", " => ", " to ", "->", " / "))
        self.tense = rng.choice(("event", "event", "action", "call", "mixed"))
        self.words_joined = rng.choice((" ", " ", " ", "-", "_"))

    def sentence(self, text):
        if self.case == "lower":
            return text
        if self.case == "title":
            return text[:1].upper() + text[1:]
        head, _, rest = text.partition(" ")
        return "%s %s" % (head.upper(), rest) if rest else head.upper()

    def annotate(self, name, index):
        before, after = self.annotation.format(k=name, v="\0").split("\0")
        return [before, index] + ([after] if after else [])

    def finish(self, pieces):
        return pieces + ([self.stop] if self.stop else [])


def camel(words):
    return "".join(word[:1].upper() + word[1:] for word in words.replace("-", " ").replace("_", " ").split())


def gerund(verb):
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    if re.fullmatch("[^aeiou]*[aeiou][bdgmnprt]", verb):
        return verb + verb[-1] + "ing"
    return verb + "ing"


class Grammar:
    """Derives background messages from one world's lexicon and values."""

    def __init__(self, rng, lexicon, values):
        self._rng, self._lexicon, self._values = rng, lexicon, values

    def phrase(self):
        rng, words = self._rng, self._lexicon
        kind = rng.random()
        if kind < 0.4:
            return "%s %s" % (rng.choice(words.adjectives), rng.choice(words.chatter_nouns))
        if kind < 0.75:
            return "%s %s" % (rng.choice(words.chatter_nouns), rng.choice(words.chatter_nouns))
        return rng.choice(words.chatter_nouns)

    def slot(self, used):
        rng = self._rng
        for _ in range(10):
            kind = rng.choice(SLOT_KINDS)
            name = rng.choice(KEYS[kind]) if kind in KEYS else rng.choice(self._lexicon.metrics)
            if name not in used:
                break
        used.add(name)
        return Slot(name, kind, self._values.source(kind))

    def slots(self, house, template, count, used=None):
        used = set() if used is None else used
        for _ in range(count):
            template.slots.append(self.slot(used))
            template.pieces += house.annotate(template.slots[-1].name, len(template.slots) - 1)

    def message(self, house):
        rng = self._rng
        rule = rng.choice((house.tense if house.tense != "mixed" else "event", "event", "action", "call", "state", "metric",
                           "metric", "trouble", "heading"))
        template = getattr(self, "_" + rule)(house)
        template.pieces = house.finish(template.pieces)
        return template

    def _count(self):
        return self._rng.choice((0, 1, 1, 2, 2, 3, 4))

    def _event(self, house):
        rng = self._rng
        order = rng.random()
        verb, phrase = rng.choice(self._lexicon.chatter_verbs), self.phrase()
        text = "%s %s" % ((verb, phrase) if order < 0.4 else (phrase, verb))
        if rng.random() < 0.2:
            text += rng.choice((" successfully", " again", " without changes", " on request", " by schedule", " in background"))
        template = Template([house.sentence(text)], level=rng.choice((0, 1, 1, 1, 1)))
        self.slots(house, template, self._count())
        return template

    def _action(self, house):
        rng = self._rng
        text = "%s %s" % (gerund(rng.choice(self._lexicon.plain_verbs)), self.phrase())
        template = Template([house.sentence(text)], level=rng.choice((0, 1, 1)))
        self.slots(house, template, self._count())
        return template

    def _call(self, house):
        rng = self._rng
        verb = rng.choice(self._lexicon.plain_verbs)
        form = rng.choice(("{0}.{1}()", "{0}::{1}", "{2}_{1}:", "{0}#{1}", "fn={2}.{1}"))
        noun = self.phrase()
        text = form.format(camel(noun), verb, noun.replace(" ", "_").replace("-", "_"))
        template = Template([text], level=rng.choice((0, 0, 1)))
        self.slots(house, template, max(1, self._count()))
        return template

    def _state(self, house):
        rng, states = self._rng, self._lexicon.states
        form = rng.choice((("{p} is now ", None), ("{p} state ", house.arrow), ("{p} changed from ", " to "),
                           ("{p} entered ", None), ("transition of {p}: ", house.arrow)))
        template = Template([house.sentence(form[0].format(p=self.phrase())), 0], level=1)
        pool = rng.sample(states, min(4, len(states)))
        template.slots.append(Slot("state", "state", lambda: rng.choice(pool)))
        if form[1]:
            template.pieces += [form[1], 1]
            template.slots.append(Slot("new_state", "state", lambda: rng.choice(pool)))
        self.slots(house, template, rng.choice((0, 0, 1, 2)))
        return template

    def _metric(self, house):
        rng = self._rng
        head = rng.choice(("{}:", "{} stats:", "stats {}", "{} report", "[{}]"))
        template = Template([house.sentence(head.format(self.phrase()))], level=rng.choice((0, 1)))
        keys = rng.sample(self._lexicon.metrics, min(rng.randint(2, 6), len(self._lexicon.metrics)))
        glue = rng.choice((" {}={}", " {}:{}", ", {} {}", " {}={},", " {} {} "))
        for key in keys:
            template.slots.append(Slot(key, "number", self._values.number()))
            before, after = glue.format(key, "\0").split("\0")
            template.pieces += [before, len(template.slots) - 1] + ([after] if after else [])
        return template

    def _trouble(self, house):
        rng = self._rng
        lead = rng.choice(("could not", "failed to", "unable to", "refusing to", "giving up trying to", "cannot"))
        text = "%s %s %s" % (lead, rng.choice(self._lexicon.plain_verbs), self.phrase())
        template = Template([house.sentence(text)], level=rng.choice((2, 2, 3)), trace=rng.random() < 0.3)
        if rng.random() < 0.6:
            template.pieces.append(rng.choice((": ", " because of ", ", reason ", " - ")))
            template.slots.append(Slot("reason", "reason", lambda: rng.choice(pool)))
            template.pieces.append(0)
        pool = rng.sample(self._lexicon.reasons, 3)
        self.slots(house, template, rng.choice((0, 1, 1, 2)))
        return template

    def _heading(self, house):
        rng = self._rng
        words = [rng.choice(self._lexicon.adjectives), rng.choice(self._lexicon.chatter_nouns),
                 rng.choice(("of", "for", "in", "with", "without", "at")), self.phrase()]
        if rng.random() < 0.4:
            words.append(rng.choice(("is", "was", "will be")) + " " + rng.choice(self._lexicon.chatter_verbs))
        return Template([house.sentence(" ".join(words))], level=rng.choice((0, 1, 1, 2)))

    def trace(self, rng):
        """The lines of a stack trace, all indented: they belong to the record in front of them."""
        style = rng.choice(("at", "file", "hash"))
        lines, depth = [], rng.randint(2, 12)
        for level in range(depth):
            names = [self.phrase().replace(" ", "_") for _ in range(2)]
            verb, row = rng.choice(self._lexicon.plain_verbs), rng.randint(5, 900)
            if style == "at":
                lines.append("    at %s.%s.%s(%s:%d)" % (names[0], camel(names[1]), verb, camel(names[1]), row))
            elif style == "file":
                lines.append('  File "%s/%s", line %d, in %s' % (names[0], names[1], row, verb))
            else:
                lines.append("  #%d 0x%08x %s::%s+0x%x" % (level, rng.getrandbits(32), camel(names[0]), verb, row))
        return "\n".join(lines)
