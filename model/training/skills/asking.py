"""Questions with their surface plans: about the machines of a world, and as operators put them."""

import random
import re

from worlds import phrases
from worlds.ask import field_of

from . import operations, times
from .surface import quote

# What a slot is called by somebody who has not read the log: its field finds the value by type.
TYPE_NAMES = {
    "en": {"ip": ("IP address", "IP", "network address"), "user": ("user name", "username", "login name"), "path": ("file name", "file path", "pathname"),
           "host": ("host", "machine", "server"), "duration": ("duration",)},
    "de": {"ip": ("IP-Adresse",), "user": ("Benutzername",), "path": ("Dateiname",), "host": ("Rechner", "Server"), "duration": ("Laufzeit",)},
    "fr": {"ip": ("adresse IP",), "user": ("nom d'utilisateur",), "path": ("nom de fichier",), "host": ("serveur", "machine"), "duration": ("durée",)},
    "es": {"ip": ("dirección IP",), "user": ("nombre de usuario",), "path": ("nombre de archivo",), "host": ("servidor",), "duration": ("duración",)},
}
WORLD_FORMS = ("find", "find", "count", "count", "distinct", "top", "top", "first", "last", "first_time", "last_time", "between", "between",
               "compare", "explain", "digest", "setting", "recall", "ticket")
LABELS = {"distinct": "count", "first_time": "first", "last_time": "last", "setting": "last", "recall": "find", "ticket": "find"}
TICKET_WORDS = ("reporter", "priority", "component", "assignee", "melder", "dringlichkeit", "baustein", "bearbeiter", "auteur", "urgence", "composant",
                "responsable", "autor", "urgencia", "componente", "encargado")


# What people say around a question; it changes no plan.
OPENERS = {
    "en": ("please", "please,", "hey,", "hi,", "quick question:", "can you tell me:", "for the report:", "tell me:", "one more:", "I need this:", "ok,",
           "pls", "question:", "could you check this:", "next,", "for the ticket:", "sorry to bother you,", "we were asked this:"),
    "de": ("bitte:", "bitte,", "hallo,", "kurze Frage:", "kannst du mir sagen:", "für den Bericht:", "sag mal:", "noch eine Frage:", "Frage:", "also,"),
    "fr": ("s'il te plaît,", "s'il vous plaît :", "bonjour,", "petite question :", "peux-tu me dire :", "pour le rapport :", "dis-moi :", "question :"),
    "es": ("por favor,", "hola,", "una pregunta:", "puedes decirme:", "para el informe:", "dime:", "oye,", "pregunta:"),
}
CLOSERS = {
    "en": ("thanks", "please", "asap", "thank you", "thx", "pls", "if you can", "I need it for the report", "cheers", "that is all"),
    "de": ("danke", "bitte", "vielen Dank", "möglichst bald", "ist dringend", "danke dir"),
    "fr": ("merci", "s'il te plaît", "merci d'avance", "c'est urgent", "merci beaucoup"),
    "es": ("gracias", "por favor", "es urgente", "muchas gracias"),
}


class PlanAsker:
    """Draws questions about one world. Needs no lines: ids and values are the world's, whether told or not."""

    def __init__(self, rng, world, sources):
        self._rng, self._world = rng, world
        self.sources = sources
        self._machines = {name: [machine for machine in world.machines if machine.archetype == name] for name in ("setting", "binding")}
        self._flow = [machine for machine in world.machines if machine.archetype not in self._machines]

    def ask(self, held_out=False):
        """{"question", "surface", "form", "language", "typo"}."""
        for _ in range(20):
            made = self._operation(held_out) if self._rng.random() < (0.3 if held_out else 0.45) else self._about_machine(held_out)
            if '"' not in made["question"].replace('"', "", 4) and len(made["question"]) < 400:
                return self._scrawl(made, held_out)
        raise RuntimeError("no question came about")

    # -- about machines --------------------------------------------------------------------------------

    def _about_machine(self, held_out):
        rng, form = self._rng, self._rng.choice(WORLD_FORMS)
        language, number, phrase = phrases.choose(rng, form, held_out)
        typo = rng.random() < 0.12
        if typo:
            phrase = phrases.typo(rng, phrase)
        say, plan = self._machine_parts(form, language, held_out, phrase)
        return {"question": phrase.format(**say), "surface": plan, "form": "%s/%s/%d" % (form, language, number), "language": language, "typo": typo}

    def _machine_parts(self, form, language, held_out, phrase):
        """What the placeholders of the phrase stand for, and the surface plan of what the phrase says."""
        rng = self._rng
        machine = rng.choice(self._machines.get({"recall": "binding"}.get(form, form)) or self._flow)
        step = rng.choice(list(machine.steps.values()))
        slotted = [one for one in machine.steps.values() if one.kinds]
        step = rng.choice(slotted) if "{key}" in phrase else step
        say = {"noun": machine.noun, "verb": step.verb, "verb2": "", "id": machine.make_id(), "key": "", "n": rng.randint(1, 10), "who": "", "when": "",
               "when2": "", "source": rng.choice(self.sources), "seq": rng.randint(1, 10 ** rng.randint(1, 6))}
        kind, out = LABELS.get(form, form), []
        if form == "ticket":
            say["id"] = "%s-%d" % (self._world.lexicon.invent(1)[:rng.randint(2, 4)].upper(), rng.randint(1, 20000))
            say["key"] = rng.choice(TICKET_WORDS)
            near = "field:word near:" + say["key"]
        elif "{key}" in phrase:
            say["key"], near = self._key(machine, step, language)
        else:
            near = "field:time" if form in ("first_time", "last_time") else ""
        out += ["id:" + quote(say["id"])] if "{id}" in phrase else []
        if "{who}" in phrase and rng.random() < 0.35:
            value = self._who(machine, step)
            if value:
                say["who"] = rng.choice(phrases.WHO[language]).format(v=value)
                out.append("id:" + quote(value))
        out += ["word:" + quote(machine.noun)] if "{noun}" in phrase and "{id}" not in phrase else []
        out += ["word:" + step.verb] if "{verb}" in phrase else []
        if "{verb2}" in phrase:
            end = rng.choice([one for one in machine.steps.values() if one is not step] or [step])
            say["verb2"] = end.verb
            out.append("to:" + end.verb)
        out += [near] if near else []
        out += ["seq:%d" % say["seq"], "source:" + quote(say["source"])] if form == "explain" else []
        out += self._when(say, language, held_out, phrase)
        out += ["limit:%d" % say["n"]] if "{n}" in phrase else []
        return say, " ".join([kind] + out)

    def _key(self, machine, step, language):
        """The name of a slot in the question, and the clauses that ask for it."""
        slot = self._rng.choice(step.kinds)
        key = machine.keys[slot]
        names = TYPE_NAMES[language].get({"peer": "host"}.get(slot, slot))
        if names and self._rng.random() < 0.2:
            return self._rng.choice(names), "field:" + {"peer": "host"}.get(slot, slot)
        return key, "field:%s near:%s" % field_of(slot, key)

    def _who(self, machine, step):
        kinds = [kind for kind in step.kinds if kind in ("user", "host", "peer", "ip", "word", "reason")]
        return machine.draw[self._rng.choice(kinds)]() if kinds else ""

    def _when(self, say, language, held_out, phrase):
        if "{when2}" in phrase:
            say["when"], clauses, say["when2"], base = times.choose(self._rng, times.PAIRS, language, held_out)
            return [clauses, base]
        if "{when}" in phrase and self._rng.random() < 0.45:
            say["when"], clauses = times.choose(self._rng, times.RANGES, language, held_out)
            return [clauses]
        return []

    # -- as operators put them ---------------------------------------------------------------------------

    def _operation(self, held_out):
        rng = self._rng
        language, number, question, plan = operations.choose(rng, held_out)
        say = self._names(language, question)
        meant = {**{name: quote(text) if isinstance(text, str) and text and "{%s}" % name in plan else text for name, text in say.items()}, "t": ""}
        if "{q}" in question:
            say["q"], meant["q"] = '"%s"' % say["q"], '"%s"' % say["q"]
            say["q2"], meant["q2"] = '"%s"' % say["q2"], '"%s"' % say["q2"]
        clauses = self._when(say, language, held_out, question)
        meant["t"] = "".join(" " + clause for clause in clauses)
        typo = rng.random() < 0.12
        if typo:
            question = phrases.typo(rng, question)
        return {"question": question.format(**say).strip(), "surface": plan.format(**meant), "form": "operations/%s/%d" % (language, number),
                "language": language, "typo": typo}

    def _names(self, language, question):
        rng, world = self._rng, self._world
        events = operations.EVENTS[language]
        first, second = rng.sample(events, 2)
        if rng.random() < 0.25:  # a word of the world, or a pair
            first = rng.choice((rng.choice(world.lexicon.chatter_nouns), world.lexicon.invent()))
        field = rng.choice(list(operations.TYPES[language]))
        single, plural = rng.choice(operations.TYPES[language][field])
        machine = rng.choice(world.machines)
        value = rng.choice((machine.make_id, world.values.ips.draw, world.values.hosts.draw, world.values.users.draw, world.values.paths.draw))
        words = [rng.choice((world.lexicon.invent, world.values.words.draw, lambda: rng.choice(world.lexicon.chatter_nouns))) for _ in range(4)]
        phrase = [" ".join(word() for word in words[:rng.randint(2, 4)]), " ".join(word() for word in words[2:])]
        return {"w": first, "w2": second, "s": rng.choice((world.lexicon.invent(), rng.choice(world.components).name)), "i": value(), "q": phrase[0],
                "q2": phrase[1], "f": rng.choice(self.sources), "n": rng.randint(1, 10 ** rng.randint(1, 7)), "k": rng.randint(2, 20), "T": single,
                "P": plural, "F": field, "when": "", "when2": "", "t": ""}

    def _scrawl(self, made, held_out):
        """Some people use no capitals and no marks at the end, and in training some are polite or in a hurry."""
        question, rng = made["question"], self._rng
        if rng.random() < 0.15:
            question = question.rstrip(" ?.!")
        if rng.random() < 0.1 and question[1:2].islower() and re.match(r"[^\s',:;?.!]*", question)[0] not in made["surface"]:
            question = question[0].lower() + question[1:]
        return {**made, "question": question if held_out else self._address(question, made["language"])}

    def _address(self, question, language):
        """The question with an opener in front of it or a closer behind it, or mostly as it is."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.12:
            opener = rng.choice(OPENERS[language])
            return (opener if rng.random() < 0.5 else opener[0].upper() + opener[1:]) + " " + question
        if kind < 0.2:
            return question + ("" if question[-1] in "?.!" else ",") + " " + rng.choice(CLOSERS[language])
        return question


def ask_many(rng, world, sources, count, held_out=False):
    asker = PlanAsker(rng, world, sources)
    return [asker.ask(held_out) for _ in range(count)]


def now_of(seed):
    """A clock for one set of questions; any will do, plans do not depend on it."""
    return int(random.Random("now %d" % seed).uniform(1.2e9, 2.0e9)) * 1_000_000
