"""Questions as operators put them, about things that many systems have: errors, logins, services, addresses.

Each is (question, surface plan) with placeholders: {w} {w2} what happened (plural), {s} a name, {i} an identifier, {q} a
quoted text, {f} a file, {k} a number, {T} what is asked, singular, {P} plural, {F} its field; {when} and {t} a time or nothing. The
last HELD_OUT of each list are for tests only.
"""

HELD_OUT = {"en": 8, "de": 3, "fr": 2, "es": 1}

EVENTS = {
    "en": """errors warnings timeouts failures restarts reboots crashes retries logins logouts disconnects alerts exceptions rejections
             requests connections sessions uploads downloads backups jobs evictions panics overflows conflicts denials alarms faults
             messages deletions updates upgrades commits rollbacks elections failovers checkpoints handshakes refusals resets leaks
             deadlocks stalls shutdowns startups migrations deployments redirects lookups""".split(),
    "de": """Fehler Warnungen Abbrüche Neustarts Anmeldungen Abmeldungen Zeitüberschreitungen Verbindungen Anfragen Ausfälle Alarme
             Sicherungen Löschungen Abstürze Sitzungen Aktualisierungen""".split(),
    "fr": """erreurs alertes redémarrages connexions échecs requêtes pannes sauvegardes déconnexions exceptions sessions coupures
             suppressions interruptions""".split(),
    "es": """errores avisos reinicios conexiones fallos peticiones caídas copias alarmas sesiones excepciones rechazos""".split(),
}
TYPES = {  # field: (singular, plural)
    "en": {"ip": (("IP address", "IP addresses"), ("IP", "IPs"), ("address", "addresses"), ("source address", "source addresses")),
           "host": (("host", "hosts"), ("machine", "machines"), ("server", "servers"), ("node", "nodes")),
           "user": (("user", "users"), ("account", "accounts"), ("username", "usernames")), "port": (("port", "ports"),),
           "path": (("file", "files"), ("path", "paths"), ("directory", "directories")), "component": (("service", "services"),
           ("component", "components"), ("process", "processes"), ("program", "programs")), "pattern": (("message", "messages"), ("pattern", "patterns")),
           "hour": (("hour", "hours"),), "day": (("day", "days"),), "source": (("source", "sources"), ("log", "logs")),
           "package": (("package", "packages"),), "url": (("URL", "URLs"),)},
    "de": {"ip": (("IP-Adresse", "IP-Adressen"), ("Adresse", "Adressen")), "host": (("Rechner", "Rechner"), ("Server", "Server")),
           "user": (("Benutzer", "Benutzer"), ("Nutzer", "Nutzer")), "path": (("Datei", "Dateien"),), "component": (("Dienst", "Dienste"),
           ("Prozess", "Prozesse")), "hour": (("Stunde", "Stunden"),), "day": (("Tag", "Tage"),), "port": (("Port", "Ports"),)},
    "fr": {"ip": (("adresse IP", "adresses IP"), ("adresse", "adresses")), "host": (("machine", "machines"), ("serveur", "serveurs")),
           "user": (("utilisateur", "utilisateurs"), ("compte", "comptes")), "path": (("fichier", "fichiers"),), "component": (("service", "services"),),
           "hour": (("heure", "heures"),), "day": (("jour", "jours"),), "port": (("port", "ports"),)},
    "es": {"ip": (("dirección IP", "direcciones IP"),), "host": (("servidor", "servidores"), ("máquina", "máquinas")),
           "user": (("usuario", "usuarios"),), "path": (("archivo", "archivos"),), "component": (("servicio", "servicios"),)},
}
QUESTIONS = {
    "en": (
        ("How many {w} were there{when}?", "count word:{w}{t}"), ("how many {w}{when}", "count word:{w}{t}"), ("count {w}{when}", "count word:{w}{t}"),
        ("number of {w}{when}", "count word:{w}{t}"), ("How many {w} or {w2}{when}?", "count word:{w}|{w2}{t}"),
        ("How many {w} did {s} have{when}?", "count id:{s} word:{w}{t}"), ("How many {w} came from {i}{when}?", "count id:{i} word:{w}{t}"),
        ("How many lines mention {i}{when}?", "count id:{i}{t}"), ("How many times does {q} occur{when}?", "count phrase:{q}{t}"),
        ("How many different {P} had {w}{when}?", "count word:{w} field:{F}{t}"), ("count distinct {P} with {w}{when}", "count word:{w} field:{F}{t}"),
        ("How many {w} in {f}{when}?", "count word:{w} source:{f}{t}"), ("How many {q} lines are there{when}?", "count phrase:{q}{t}"),
        ("Which {T} had the most {w}{when}?", "top word:{w} field:{F}{t} limit:1"), ("Which {P} had {w}{when}?", "top word:{w} field:{F}{t}"),
        ("top {k} {P} by {w}{when}", "top word:{w} field:{F}{t} limit:{k}"), ("Top {k} {P}{when}", "top field:{F}{t} limit:{k}"),
        ("{w} per {T}{when}", "top word:{w} field:{F}{t}"), ("count {w} by {T}{when}", "top word:{w} field:{F}{t}"),
        ("What are the {k} most common {w}{when}?", "top word:{w} field:pattern{t} limit:{k}"), ("most frequent {w}{when}", "top word:{w} field:pattern{t}"),
        ("Which {P} show up most often{when}?", "top field:{F}{t}"), ("Which {P} had the fewest {w}{when}?", "top word:{w} field:{F}{t} order:least"),
        ("rarest {P}{when}", "top field:{F}{t} order:least"), ("list all {P}{when}", "top field:{F}{t}"), ("list {w}{when}", "top word:{w} field:pattern{t}"),
        ("Which {P} mention {q}{when}?", "top phrase:{q} field:{F}{t}"), ("Who had {w}{when}?", "top word:{w} field:user{t}"),
        ("Which {T} is behind most of the {w} on {s}{when}?", "top id:{s} word:{w} field:{F}{t} limit:1"),
        ("first {w}{when}", "first word:{w}{t}"), ("What was the first of the {w}{when}?", "first word:{w}{t}"),
        ("When were the first {w}{when}?", "first word:{w} field:time{t}"), ("last {w}{when}", "last word:{w}{t}"), ("latest {w} of {s}{when}", "last id:{s} word:{w}{t}"),
        ("show the last {k} {w}{when}", "last word:{w}{t} limit:{k}"), ("last {k} {w} from {s}", "last id:{s} word:{w} limit:{k}"),
        ("the first {k} {w}{when}", "first word:{w}{t} limit:{k}"), ("When did {i} last appear{when}?", "last id:{i} field:time{t}"),
        ("When was {i} first seen{when}?", "first id:{i} field:time{t}"), ("When was the last time {i} had {w}?", "last id:{i} word:{w} field:time"),
        ("Which {T} had {w} last{when}?", "last word:{w} field:{F}{t}"), ("Which {T} had {w} first{when}?", "first word:{w} field:{F}{t}"),
        ("How long between {q} and {q2}{when}?", "between phrase:{q} to:{q2}{t}"),
        ("Compare {w}{when} with {when2}", "compare word:{w}{t}"), ("{w} for {s}{when} versus {when2}", "compare id:{s} word:{w}{t}"),
        ("Compare{when} with {when2}", "compare{t}"), ("What is different{when} from {when2}?", "compare{t}"),
        ("explain record {n}", "explain seq:{n}"), ("explain line #{n}", "explain seq:{n}"), ("Why is record {n} in {f} surprising?", "explain seq:{n} source:{f}"),
        ("Explain {q}", "explain phrase:{q}"), ("What does {q} mean?", "explain phrase:{q}"),
        ("What happened{when}?", "digest{t}"), ("What is new{when}?", "digest{t}"), ("Anything unusual in {f}{when}?", "digest source:{f}{t}"),
        ("summary of {f}{when}", "digest source:{f}{t}"), ("Summarize the logs{when}", "digest{t}"), ("what's going on{when}", "digest{t}"),
        ("What happened to {i}{when}?", "find id:{i} field:state{t}"), ("status of {i}", "find id:{i} field:state"), ("find {i}{when}", "find id:{i}{t}"),
        ("Find {q}{when}", "find phrase:{q}{t}"), ("show {w}{when}", "find hint:{w}{t}"), ("{w} on {s}{when}", "find id:{s} hint:{w}{t}"),
        ("Which {T} does {i} have?", "find id:{i} field:{F}"), ("From which {T} came {i}{when}?", "find id:{i} field:{F}{t}"),
        ("What {T} was used by {i}{when}?", "find id:{i} field:{F}{t}"), ("Why did {s} have {w}{when}?", "find id:{s} hint:{w}{t}"),
        ("{w} in {f}{when}", "find hint:{w} source:{f}{t}"), ("When was {i} seen{when}?", "find id:{i} field:time{t}"),
        ("What do we know about {i}?", "find id:{i}"), ("search {i} in {f}{when}", "find id:{i} source:{f}{t}"), ("show pattern {n}", "find pattern:{n}"),
        ("How many lines match pattern {n}{when}?", "count pattern:{n}{t}"), ("Where is {i} mentioned{when}?", "top id:{i} field:source{t}"),
        # held out
        ("Could you tell me how many {w} we had{when}?", "count word:{w}{t}"), ("Tell me the {T} with the highest number of {w}{when}", "top word:{w} field:{F}{t} limit:1"),
        ("Is there anything about {i}{when}?", "find id:{i}{t}"), ("what went on{when}", "digest{t}"), ("give me the last {k} {w}{when}", "last word:{w}{t} limit:{k}"),
        ("how do the {w}{when} compare to {when2}", "compare word:{w}{t}"), ("please explain record number {n}", "explain seq:{n}"),
        ("In total, how many {w} did {f} see{when}?", "count word:{w} source:{f}{t}")),
    "de": (
        ("Wie viele {w} gab es{when}?", "count word:{w}{t}"), ("Anzahl der {w}{when}", "count word:{w}{t}"), ("Wie viele {w} hatte {s}{when}?", "count id:{s} word:{w}{t}"),
        ("Wie oft kommt {i} vor{when}?", "count id:{i}{t}"), ("Welche {P} hatten {w}{when}?", "top word:{w} field:{F}{t}"),
        ("Top {k} {P} nach {w}{when}", "top word:{w} field:{F}{t} limit:{k}"), ("{w} pro {T}{when}", "top word:{w} field:{F}{t}"),
        ("die häufigsten {w}{when}", "top word:{w} field:pattern{t}"), ("erste {w}{when}", "first word:{w}{t}"), ("letzte {w} von {s}{when}", "last id:{s} word:{w}{t}"),
        ("die letzten {k} {w}{when}", "last word:{w}{t} limit:{k}"), ("Wann gab es zuletzt {w}?", "last word:{w} field:time"),
        ("Vergleiche {w}{when} mit {when2}", "compare word:{w}{t}"), ("Was ist passiert{when}?", "digest{t}"), ("Was ist neu{when}?", "digest{t}"),
        ("Erkläre Datensatz {n}", "explain seq:{n}"), ("Was ist mit {i} passiert{when}?", "find id:{i} field:state{t}"), ("Zeige {w}{when}", "find hint:{w}{t}"),
        ("{w} in {f}{when}", "find hint:{w} source:{f}{t}"), ("Suche {i}{when}", "find id:{i}{t}"), ("Wie viele verschiedene {P} hatten {w}{when}?", "count word:{w} field:{F}{t}"),
        ("Sag mir, wie viele {w} es{when} gab", "count word:{w}{t}"), ("Fasse zusammen, was{when} geschah", "digest{t}"), ("Gibt es etwas zu {i}{when}?", "find id:{i}{t}")),
    "fr": (
        ("Combien de {w}{when} ?", "count word:{w}{t}"), ("Nombre de {w}{when}", "count word:{w}{t}"), ("Combien de {w} pour {s}{when} ?", "count id:{s} word:{w}{t}"),
        ("Quels {P} ont eu des {w}{when} ?", "top word:{w} field:{F}{t}"), ("Top {k} {P} par {w}{when}", "top word:{w} field:{F}{t} limit:{k}"),
        ("{w} par {T}{when}", "top word:{w} field:{F}{t}"), ("les {w} les plus fréquentes{when}", "top word:{w} field:pattern{t}"),
        ("premières {w}{when}", "first word:{w}{t}"), ("les {k} dernières {w}{when}", "last word:{w}{t} limit:{k}"), ("Compare {w}{when} avec {when2}", "compare word:{w}{t}"),
        ("Que s'est-il passé{when} ?", "digest{t}"), ("Quoi de neuf{when} ?", "digest{t}"), ("Explique l'enregistrement {n}", "explain seq:{n}"),
        ("Qu'est-il arrivé à {i}{when} ?", "find id:{i} field:state{t}"), ("Montre les {w}{when}", "find hint:{w}{t}"), ("Cherche {i}{when}", "find id:{i}{t}"),
        ("{w} dans {f}{when}", "find hint:{w} source:{f}{t}"), ("Dis-moi combien de {w} il y a eu{when}", "count word:{w}{t}"), ("Que sait-on de {i} ?", "find id:{i}")),
    "es": (
        ("¿Cuántos {w} hubo{when}?", "count word:{w}{t}"), ("Número de {w}{when}", "count word:{w}{t}"), ("¿Qué {P} tuvieron {w}{when}?", "top word:{w} field:{F}{t}"),
        ("{w} por {T}{when}", "top word:{w} field:{F}{t}"), ("¿Qué pasó{when}?", "digest{t}"), ("Busca {i}{when}", "find id:{i}{t}"),
        ("Explica el registro {n}", "explain seq:{n}"), ("Muestra {w}{when}", "find hint:{w}{t}"), ("Dime cuántos {w} hubo{when}", "count word:{w}{t}")),
}


def choose(rng, held_out):
    """(language, number, question, plan)."""
    language = rng.choice(("en",) * 5 + ("de", "de", "fr", "fr", "es"))
    rows = QUESTIONS[language]
    cut = len(rows) - HELD_OUT[language]
    number = rng.randrange(cut, len(rows)) if held_out else rng.randrange(cut)
    return language, number, rows[number][0], rows[number][1]
