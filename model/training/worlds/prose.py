"""Ticket queues and runbooks in several languages, about the same world as its logs.

A sentence is put together from openings, clauses and endings; what it names (ids, hosts, causes) is the world's.
A ticket is one record: its head line and indented lines, or one JSON or CSV line.
"""

import json
import types
from dataclasses import dataclass

PRIORITIES = {"en": ("low", "normal", "high", "urgent"), "de": ("niedrig", "mittel", "hoch", "dringend"),
              "fr": ("basse", "normale", "haute", "urgente"), "es": ("baja", "normal", "alta", "urgente")}
FIELDS = {  # ticket head
    "en": ("ticket", "reporter", "priority", "component", "assignee"),
    "de": ("vorgang", "melder", "dringlichkeit", "baustein", "bearbeiter"),
    "fr": ("fiche", "auteur", "urgence", "composant", "responsable"),
    "es": ("incidencia", "autor", "urgencia", "componente", "encargado"),
}
OPENINGS = {
    "en": ("Since this morning", "After the last change", "For about {n} minutes", "Again today", "During the night shift",
           "While I was testing {path}", "Shortly before lunch", "According to {user}", "For the third time this week",
           "On {host}", "In the {word} group", "Without any warning"),
    "de": ("Seit heute Morgen", "Nach der letzten Änderung", "Seit etwa {n} Minuten", "Heute wieder", "Während der Nachtschicht",
           "Beim Prüfen von {path}", "Kurz vor Mittag", "Laut {user}", "Zum dritten Mal in dieser Woche", "Auf {host}",
           "In der Gruppe {word}", "Ohne Vorwarnung"),
    "fr": ("Depuis ce matin", "Après la dernière modification", "Depuis environ {n} minutes", "Encore aujourd'hui",
           "Pendant la nuit", "Lors du contrôle de {path}", "Peu avant midi", "D'après {user}",
           "Pour la troisième fois cette semaine", "Sur {host}", "Dans le groupe {word}", "Sans prévenir"),
    "es": ("Desde esta mañana", "Tras el último cambio", "Desde hace unos {n} minutos", "Hoy de nuevo", "Durante la noche",
           "Al revisar {path}", "Poco antes del mediodía", "Según {user}", "En {host}", "En el grupo {word}"),
}
CLAUSES = {
    "en": ("the {noun} no longer answers", "every second {noun} ends with {reason}", "{comp} writes {reason} over and over",
           "users see an empty page instead of their {noun}", "the {noun} takes {n} seconds instead of two",
           "nobody can reach {host}", "{comp} uses all of its memory", "the queue of {comp} keeps growing",
           "we lost {n} of them", "the dashboard shows nothing for {noun}", "{path} is full", "we had to stop {comp} by hand"),
    "de": ("antwortet {comp} nicht mehr", "endet jeder zweite Lauf mit {reason}", "schreibt {comp} immer wieder {reason}",
           "sehen Benutzer nur eine leere Seite", "dauert {noun} {n} Sekunden statt zwei", "ist {host} nicht erreichbar",
           "belegt {comp} den ganzen Speicher", "wächst die Warteschlange von {comp}", "sind {n} Einträge verschwunden",
           "zeigt die Übersicht für {noun} nichts mehr an", "ist {path} voll", "mussten wir {comp} von Hand anhalten"),
    "fr": ("{comp} ne répond plus", "un {noun} sur deux se termine par {reason}", "{comp} écrit sans cesse {reason}",
           "les utilisateurs voient une page vide", "le {noun} prend {n} secondes au lieu de deux", "{host} est injoignable",
           "{comp} occupe toute la mémoire", "la file de {comp} grandit", "{n} éléments ont disparu",
           "le tableau de bord reste vide", "{path} est plein", "nous avons dû arrêter {comp} à la main"),
    "es": ("{comp} ya no responde", "uno de cada dos {noun} acaba en {reason}", "{comp} repite {reason} sin parar",
           "los usuarios ven una página vacía", "{noun} tarda {n} segundos en vez de dos", "no se llega a {host}",
           "{comp} ocupa toda la memoria", "crece la cola de {comp}", "faltan {n} elementos", "{path} está lleno"),
}
ENDINGS = {
    "en": (".", ", see {id}.", ", and only a restart helps.", ". {user} is informed.", ". Reason given: {reason}.",
           ", the other hosts are fine.", ". Please check.", ", compare {id}.", ". This blocks team {word}.", "!"),
    "de": (".", ", siehe {id}.", ", nur ein Neustart hilft.", ". {user} weiß Bescheid.", ". Genannter Grund: {reason}.",
           ", die anderen Rechner laufen.", ". Bitte prüfen.", ", vergleiche {id}.", ". Das hält Team {word} auf.", "!"),
    "fr": (".", ", voir {id}.", ", seul un redémarrage aide.", ". {user} est au courant.", ". Raison donnée : {reason}.",
           ", les autres machines vont bien.", ". Merci de vérifier.", ", comparer avec {id}.", ". L'équipe {word} est bloquée."),
    "es": (".", ", véase {id}.", ", solo ayuda reiniciar.", ". {user} está avisado.", ". Motivo indicado: {reason}.",
           ", las demás máquinas van bien.", ". Por favor, revisar.", ". El equipo {word} está parado."),
}
STEPS = {
    "en": ("Log on to {host} and look at {path}.", "Stop {comp} before you touch {path}.", "If you find {reason}, wait {n} minutes.",
           "Tell team {word}, then start {comp} again.", "Compare the {noun} with the one on {host}.",
           "Never delete {path} while {comp} is running.", "Count the {noun} entries; more than {n} is too many.",
           "Ask {user} for the key.", "Run `{comp} --check {path}` and keep its output.", "Write down what you did."),
    "de": ("Auf {host} anmelden und {path} ansehen.", "{comp} anhalten, bevor {path} geändert wird.",
           "Bei {reason} {n} Minuten warten.", "Team {word} verständigen, dann {comp} wieder starten.",
           "{noun} mit dem Stand auf {host} vergleichen.", "{path} nie löschen, solange {comp} läuft.",
           "Mehr als {n} Einträge sind zu viele.", "{user} nach dem Schlüssel fragen.",
           "`{comp} --check {path}` ausführen und die Ausgabe aufheben.", "Aufschreiben, was getan wurde."),
    "fr": ("Se connecter à {host} et regarder {path}.", "Arrêter {comp} avant de toucher à {path}.",
           "En cas de {reason}, attendre {n} minutes.", "Prévenir l'équipe {word}, puis relancer {comp}.",
           "Comparer avec l'état sur {host}.", "Ne jamais effacer {path} tant que {comp} tourne.",
           "Plus de {n} entrées, c'est trop.", "Demander la clé à {user}.", "Lancer `{comp} --check {path}` et garder la sortie."),
    "es": ("Entrar en {host} y mirar {path}.", "Parar {comp} antes de tocar {path}.", "Con {reason}, esperar {n} minutos.",
           "Avisar al equipo {word} y arrancar {comp} otra vez.", "Comparar con el estado en {host}.",
           "No borrar {path} mientras {comp} funcione.", "Pedir la clave a {user}."),
}
HEADINGS = {"en": ("Runbook: {comp}", "When {comp} fails", "Checks", "Contacts", "Recovery", "Background"),
            "de": ("Betriebsanleitung: {comp}", "Wenn {comp} ausfällt", "Prüfungen", "Ansprechpartner", "Wiederanlauf", "Hintergrund"),
            "fr": ("Procédure : {comp}", "Quand {comp} tombe", "Contrôles", "Contacts", "Reprise", "Contexte"),
            "es": ("Procedimiento: {comp}", "Cuando {comp} falla", "Comprobaciones", "Contactos", "Recuperación", "Contexto")}


@dataclass
class Ticket:
    key: str
    language: str
    slots: dict  # field word -> value
    source: object
    line: int
    shown_us: int


class Prose:
    def __init__(self, rng, world):
        from .world import Source  # the world owns its sources; prose only adds its own
        self._rng, self._world = rng, world
        plain = types.SimpleNamespace(structured=False, shows_host=False)
        queue = world.lexicon.invent()
        self._prefix = queue[:3].upper()
        self._elsewhere = world.lexicon.invent()[:4].upper()  # a queue that is only mentioned
        self._number = rng.randint(1, 9000)
        self._shape = rng.choice(("block", "block", "json", "csv"))
        self._tickets = Source(queue + "-tickets" + {"block": ".txt", "json": ".jsonl", "csv": ".csv"}[self._shape], None, plain)
        self._runbook = Source(world.lexicon.invent() + "-runbook.md", None, plain)
        self.sources = [self._tickets, self._runbook]
        self.tickets = []

    def _fill(self, text, extra=None):
        rng, world = self._rng, self._world
        names = {"n": str(rng.randint(3, 90)), "path": world.values.paths.draw(), "user": world.values.users.draw(),
                 "host": world.values.hosts.draw(), "word": world.values.words.draw(), "comp": rng.choice(world.components).name,
                 "noun": rng.choice(world.lexicon.chatter_nouns), "reason": rng.choice(world.lexicon.reasons),
                 "id": "%s-%d" % (self._elsewhere, max(1, self._number - rng.randint(0, 60)))}
        names.update(extra or {})
        return text.format(**names)

    def sentence(self, language, extra=None):
        rng = self._rng
        opening, clause, ending = rng.choice(OPENINGS[language]), rng.choice(CLAUSES[language]), rng.choice(ENDINGS[language])
        comma = ", " if language in ("en", "fr", "es") else " "
        if rng.random() < 0.3:  # a clause alone
            text = self._fill(clause + ending, extra)
            return text[:1].upper() + text[1:] if language != "de" else self._fill(opening + " " + clause + ending, extra)
        return self._fill(opening + comma + clause + ending, extra)

    def _paragraph(self, language, extra=None):
        return " ".join(self.sentence(language, extra) for _ in range(self._rng.randint(1, 5)))

    def ticket(self, when, machine, key, values):
        """Somebody files a ticket about an incident that just ended."""
        rng, world = self._rng, self._world
        language = rng.choice((world.language, world.language, "en", "de", "fr", "es"))
        self._number += rng.choice((1, 1, 2, 5))
        name = "%s-%d" % (self._prefix, self._number)
        head, reporter, priority, component, assignee = FIELDS[language]
        extra = {"reason": values["reason"], "host": values["host"]}
        slots = {reporter: world.values.users.draw(), priority: rng.choice(PRIORITIES[language]),
                 component: rng.choice(world.components).name, assignee: world.values.users.draw()}
        title = self.sentence(language, extra).rstrip(".!")
        body = [self._paragraph(language, extra) for _ in range(rng.randint(1, 3))] + [self._fill("%s %s {id}" % (machine.noun, key))]
        line = self._tickets.add(self._write(head, name, slots, title, body))
        self.tickets.append(Ticket(name, language, slots, self._tickets, line, world.start_us + int(when * 1_000_000)))

    def _write(self, head, name, slots, title, body):
        if self._shape == "json":
            return json.dumps({head: name, **slots, "title": title, "text": " ".join(body)}, ensure_ascii=False)
        if self._shape == "csv":
            pairs = ";".join("%s=%s" % pair for pair in slots.items())
            return '%s,%s,"%s","%s"' % (name, pairs, title.replace('"', "'"), " ".join(body).replace('"', "'"))
        lines = ["%s %s: %s" % (head.upper(), name, title)] + ["  %s: %s" % pair for pair in slots.items()]
        return "\n".join(lines + ["    " + part for part in body])

    def begin(self):
        """The runbook stands before the logs begin."""
        rng = self._rng
        for _ in range(rng.randint(1, 3)):
            language = rng.choice((self._world.language, "en", "de", "fr", "es"))
            extra = {"comp": rng.choice(self._world.components).name}
            headings = HEADINGS[language]
            self._runbook.add("# " + self._fill(headings[0], extra) + "\n")
            for heading in rng.sample(headings[1:], min(3, len(headings) - 1)):
                self._runbook.add("## " + self._fill(heading, extra) + "\n")
                if rng.random() < 0.6:
                    self._runbook.add(self._paragraph(language, extra) + "\n")
                for number in range(rng.randint(2, 6)):
                    self._runbook.add("%d. %s" % (number + 1, self._fill(rng.choice(STEPS[language]), extra)))
                self._runbook.add("")

    def end(self, when):
        """Queues are never empty: a few tickets that no incident caused."""
        rng, world = self._rng, self._world
        machine = next(machine for machine in world.machines if machine.archetype == "incident")
        for _ in range(rng.randint(3, 12)):
            values = {"reason": rng.choice(world.lexicon.reasons), "host": world.values.hosts.draw()}
            self.ticket(when, machine, machine.make_id(), values)
