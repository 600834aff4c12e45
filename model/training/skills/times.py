"""Time expressions of questions and what they mean in a surface plan, in four languages.

Each is (text, clauses) with placeholders: {c} {c2} times of day, {d} {d2} dates, {s} {s2} dates with a time, {w} a weekday,
{m} a month and day, {n} a number with its unit. The last HELD_OUT of each list are for tests only.
"""

HELD_OUT = 2

WEEK = {"en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
        "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split(),
        "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
        "es": "lunes martes miércoles jueves viernes sábado domingo".split()}
MONTHS = {"en": "January February March April May June July August September October November December".split(),
          "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
          "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
          "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()}
UNITS = {"en": {"m": ("minutes", "min", "mins"), "h": ("hours", "h", "hrs"), "d": ("days", "d"), "s": ("seconds", "s"), "w": ("weeks",)},
         "de": {"m": ("Minuten", "min"), "h": ("Stunden", "h", "Std"), "d": ("Tagen", "Tage"), "s": ("Sekunden",), "w": ("Wochen",)},
         "fr": {"m": ("minutes", "min"), "h": ("heures", "h"), "d": ("jours",), "s": ("secondes",), "w": ("semaines",)},
         "es": {"m": ("minutos", "min"), "h": ("horas", "h"), "d": ("días",), "s": ("segundos",), "w": ("semanas",)}}

RANGES = {
    "en": ((" today", "in:today"), (" yesterday", "in:yesterday"), (" on {d}", "in:{d}"), (" since {c}", "since:{c}"), (" after {c}", "since:{c}"),
           (" before {c}", "until:{c}"), (" until {c}", "until:{c}"), (" in the last {n}", "since:-{n}"), (" during the past {n}", "since:-{n}"),
           (" in the last hour", "since:-1h"), (" within the last day", "since:-1d"), (" between {c} and {c2}", "since:{c} until:{c2}"),
           (" from {c} to {c2}", "since:{c} until:{c2}"), (" between {s} and {s2}", "since:{s} until:{s2}"), (" from {s} to {s2}", "since:{s} until:{s2}"),
           (" since yesterday", "since:yesterday"), (" since {d}", "since:{d}"), (" since {s}", "since:{s}"), (" until {s}", "until:{s}"),
           (" on {w}", "in:{w}"), (" since {w}", "since:{w}"), (" this morning", "in:morning"), (" this afternoon", "in:afternoon"),
           (" this evening", "in:evening"), (" last night", "in:night"), (" on {m}", "in:{m}"), (" since {m}", "since:{m}"),
           (" {n} ago", "since:-{n} until:now"), (" this week", "since:-1w"), (" in the last week", "since:-1w"), (" since midnight", "since:00:00"),
           (" since noon", "since:12:00"), (" yesterday between {c} and {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"),
           (" yesterday after {c}", "since:yesterdayT{c}"), (" today before {c}", "until:todayT{c}"), (" at {c}", "in:{c}"), (" at {c} on {d}", "in:{d}T{c}"),
           (" from {d} to {d2}", "since:{d} until:{d2}"), (" until yesterday", "until:yesterday"), (" since {s} until {s2}", "since:{s} until:{s2}"),
           (" for the last {n}", "since:-{n}"), (" since yesterday {c}", "since:yesterdayT{c}"), (" later than {c}", "since:{c}"),
           (" earlier than {c}", "until:{c}"), (" up to {c}", "until:{c}"), (" till {c}", "until:{c}"), (" starting at {c}", "since:{c}"),
           (" prior to {c}", "until:{c}"), (" past {n}", "since:-{n}"), (" last {n}", "since:-{n}"), (" within {n}", "since:-{n}"),
           (" no longer than {n} ago", "since:-{n}"), (" in the past hour", "since:-1h"), (" in the last minute", "since:-1m"),
           (" in the last day", "since:-1d"), (" over the last 24 hours", "since:-24h"), (" in the past week", "since:-1w"),
           (" within the last {n}", "since:-{n}"), (" {c} to {c2}", "since:{c} until:{c2}"), (" {c}-{c2}", "since:{c} until:{c2}"),
           (" from {c} until {c2}", "since:{c} until:{c2}"), (" after {c} and before {c2}", "since:{c} until:{c2}"),
           (" between {c} and {c2} today", "since:todayT{c} until:todayT{c2}"), (" today after {c}", "since:todayT{c}"),
           (" since {c} today", "since:todayT{c}"), (" yesterday before {c}", "until:yesterdayT{c}"),
           (" yesterday from {c} to {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"),
           (" between {c} and {c2} yesterday", "since:yesterdayT{c} until:yesterdayT{c2}"), (" yesterday at {c}", "in:yesterdayT{c}"),
           (" between {c} and {c2} on {d}", "since:{d}T{c} until:{d}T{c2}"), (" on {d} from {c} to {c2}", "since:{d}T{c} until:{d}T{c2}"),
           (" on {d} at {c}", "in:{d}T{c}"), (" on {d} after {c}", "since:{d}T{c}"), (" on {w} between {c} and {c2}", "since:{w}T{c} until:{w}T{c2}"),
           (" on {w} after {c}", "since:{w}T{c}"), (" {d}", "in:{d}"), (" during {d}", "in:{d}"), (" between {d} and {d2}", "since:{d} until:{d2}"),
           (" {s} to {s2}", "since:{s} until:{s2}"), (" after {s}", "since:{s}"), (" before {s}", "until:{s}"), (" until {d}", "until:{d}"),
           (" until {m}", "until:{m}"), (" last {w}", "in:{w}"), (" tonight", "in:evening"), (" during the night", "in:night"), (" overnight", "in:night"),
           (" so far today", "in:today"), (" all day yesterday", "in:yesterday"), (" at noon", "in:12:00"), (" before noon", "until:12:00"),
           (" over the past {n}", "since:-{n}"), (" from {c} on", "since:{c}")),
    "de": ((" heute", "in:today"), (" gestern", "in:yesterday"), (" am {d}", "in:{d}"), (" seit {c}", "since:{c}"), (" seit {c} Uhr", "since:{c}"),
           (" nach {c}", "since:{c}"), (" vor {c}", "until:{c}"), (" bis {c}", "until:{c}"), (" in den letzten {n}", "since:-{n}"),
           (" in der letzten Stunde", "since:-1h"), (" zwischen {c} und {c2}", "since:{c} until:{c2}"), (" von {c} bis {c2} Uhr", "since:{c} until:{c2}"),
           (" zwischen {s} und {s2}", "since:{s} until:{s2}"), (" von {s} bis {s2}", "since:{s} until:{s2}"), (" seit gestern", "since:yesterday"),
           (" am {w}", "in:{w}"), (" seit {w}", "since:{w}"), (" heute Morgen", "in:morning"), (" heute Nachmittag", "in:afternoon"),
           (" letzte Nacht", "in:night"), (" seit {d}", "since:{d}"), (" vor {n}", "since:-{n} until:now"), (" diese Woche", "since:-1w"),
           (" seit Mitternacht", "since:00:00"), (" seit dem {m}", "since:{m}"), (" am {m}", "in:{m}"), (" um {c} Uhr", "in:{c}"),
           (" gestern zwischen {c} und {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"), (" ab {c}", "since:{c}"), (" ab {c} Uhr", "since:{c}"),
           (" bis {c} Uhr", "until:{c}"), (" vor {c} Uhr", "until:{c}"), (" später als {c}", "since:{c}"),
           (" zwischen {c} Uhr und {c2} Uhr", "since:{c} until:{c2}"), (" {c} bis {c2}", "since:{c} until:{c2}"),
           (" innerhalb der letzten {n}", "since:-{n}"), (" während der letzten {n}", "since:-{n}"), (" letzte {n}", "since:-{n}"),
           (" in der letzten Woche", "since:-1w"), (" am letzten Tag", "since:-1d"), (" heute Abend", "in:evening"), (" heute Vormittag", "in:morning"),
           (" in der Nacht", "in:night"), (" heute nach {c}", "since:todayT{c}"), (" heute vor {c} Uhr", "until:todayT{c}"),
           (" gestern um {c}", "in:yesterdayT{c}"), (" gestern vor {c}", "until:yesterdayT{c}"),
           (" gestern von {c} bis {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"), (" am {d} um {c}", "in:{d}T{c}"),
           (" am {d} zwischen {c} und {c2}", "since:{d}T{c} until:{d}T{c2}"), (" zwischen dem {d} und dem {d2}", "since:{d} until:{d2}"),
           (" vom {d} bis zum {d2}", "since:{d} until:{d2}"), (" bis gestern", "until:yesterday"), (" seit {s}", "since:{s}"), (" bis {s}", "until:{s}"),
           (" seit Mittag", "since:12:00"), (" letzten {w}", "in:{w}"), (" in den vergangenen {n}", "since:-{n}"),
           (" gestern nach {c}", "since:yesterdayT{c}")),
    "fr": ((" aujourd'hui", "in:today"), (" hier", "in:yesterday"), (" le {d}", "in:{d}"), (" depuis {c}", "since:{c}"), (" après {c}", "since:{c}"),
           (" avant {c}", "until:{c}"), (" jusqu'à {c}", "until:{c}"), (" dans les dernières {n}", "since:-{n}"), (" depuis une heure", "since:-1h"),
           (" entre {c} et {c2}", "since:{c} until:{c2}"), (" de {c} à {c2}", "since:{c} until:{c2}"), (" entre {s} et {s2}", "since:{s} until:{s2}"),
           (" de {s} à {s2}", "since:{s} until:{s2}"), (" depuis hier", "since:yesterday"), (" {w}", "in:{w}"), (" depuis {w}", "since:{w}"),
           (" ce matin", "in:morning"), (" cet après-midi", "in:afternoon"), (" la nuit dernière", "in:night"), (" depuis le {d}", "since:{d}"),
           (" il y a {n}", "since:-{n} until:now"), (" cette semaine", "since:-1w"), (" depuis minuit", "since:00:00"), (" le {m}", "in:{m}"),
           (" hier entre {c} et {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"), (" à partir de {c}", "since:{c}"),
           (" avant {c} aujourd'hui", "until:todayT{c}"), (" à {c}", "in:{c}"), (" plus tard que {c}", "since:{c}"), (" {c} à {c2}", "since:{c} until:{c2}"),
           (" depuis {c} jusqu'à {c2}", "since:{c} until:{c2}"), (" au cours des dernières {n}", "since:-{n}"), (" depuis {n}", "since:-{n}"),
           (" pendant les dernières {n}", "since:-{n}"), (" dans la dernière heure", "since:-1h"), (" la semaine passée", "since:-1w"),
           (" ce soir", "in:evening"), (" cette nuit", "in:night"), (" dans la matinée", "in:morning"), (" hier après {c}", "since:yesterdayT{c}"),
           (" hier avant {c}", "until:yesterdayT{c}"), (" hier à {c}", "in:yesterdayT{c}"),
           (" hier de {c} à {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"), (" le {d} à {c}", "in:{d}T{c}"),
           (" le {d} entre {c} et {c2}", "since:{d}T{c} until:{d}T{c2}"), (" du {d} au {d2}", "since:{d} until:{d2}"),
           (" entre le {d} et le {d2}", "since:{d} until:{d2}"), (" jusqu'à hier", "until:yesterday"), (" depuis {s}", "since:{s}"),
           (" avant {s}", "until:{s}"), (" depuis midi", "since:12:00"), (" {w} dernier", "in:{w}"), (" ces {n}", "since:-{n}"),
           (" depuis le {m}", "since:{m}")),
    "es": ((" hoy", "in:today"), (" ayer", "in:yesterday"), (" el {d}", "in:{d}"), (" desde las {c}", "since:{c}"), (" antes de las {c}", "until:{c}"),
           (" en las últimas {n}", "since:-{n}"), (" en la última hora", "since:-1h"), (" entre las {c} y las {c2}", "since:{c} until:{c2}"),
           (" entre {s} y {s2}", "since:{s} until:{s2}"), (" desde ayer", "since:yesterday"), (" el {w}", "in:{w}"), (" esta mañana", "in:morning"),
           (" anoche", "in:night"), (" esta semana", "since:-1w"), (" desde medianoche", "since:00:00"), (" el {m}", "in:{m}"),
           (" después de las {c}", "since:{c}"), (" a partir de las {c}", "since:{c}"), (" hasta las {c}", "until:{c}"), (" a las {c}", "in:{c}"),
           (" de {c} a {c2}", "since:{c} until:{c2}"), (" desde las {c} hasta las {c2}", "since:{c} until:{c2}"), (" en los últimos {n}", "since:-{n}"),
           (" hace {n}", "since:-{n} until:now"), (" desde hace {n}", "since:-{n}"), (" la última semana", "since:-1w"), (" esta tarde", "in:afternoon"),
           (" esta noche", "in:evening"), (" ayer entre las {c} y las {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"),
           (" ayer después de las {c}", "since:yesterdayT{c}"), (" ayer a las {c}", "in:yesterdayT{c}"), (" hoy antes de las {c}", "until:todayT{c}"),
           (" el {d} a las {c}", "in:{d}T{c}"), (" de {s} a {s2}", "since:{s} until:{s2}"), (" entre el {d} y el {d2}", "since:{d} until:{d2}"),
           (" hasta ayer", "until:yesterday"), (" desde mediodía", "since:12:00"), (" el pasado {w}", "in:{w}"),
           (" desde el {d}", "since:{d}"), (" durante las últimas {n}", "since:-{n}")),
}
# What "compare A with B" may name: (A with its space, clauses, B without, clauses).
PAIRS = {
    "en": ((" today", "in:today", "yesterday", "base:yesterday"), (" on {d}", "in:{d}", "{d2}", "base:{d2}"), (" on {w}", "in:{w}", "{w2}", "base:{w2}"),
           (" between {s} and {s2}", "since:{s} until:{s2}", "between {t} and {t2}", "base-since:{t} base-until:{t2}"),
           (" from {c} to {c2}", "since:{c} until:{c2}", "yesterday", "base:yesterday"), (" in the last hour", "since:-1h", "yesterday", "base:yesterday"),
           (" since {s} until {s2}", "since:{s} until:{s2}", "from {t} to {t2}", "base-since:{t} base-until:{t2}"),
           (" this morning", "in:morning", "last night", "base:night"), (" today", "in:today", "{w}", "base:{w}"), (" today", "in:today", "{d}", "base:{d}"),
           (" yesterday", "in:yesterday", "today", "base:today"), (" this week", "since:-1w", "today", "base:today"),
           (" since {c}", "since:{c}", "yesterday", "base:yesterday"), (" last night", "in:night", "this morning", "base:morning"),
           (" on {d}", "in:{d}", "on {d2}", "base:{d2}"), (" on {m}", "in:{m}", "{d}", "base:{d}"), (" {d}", "in:{d}", "{d2}", "base:{d2}"),
           (" on {w}", "in:{w}", "today", "base:today"), (" from {s} to {s2}", "since:{s} until:{s2}", "{t} to {t2}", "base-since:{t} base-until:{t2}"),
           (" in the past hour", "since:-1h", "the same on {d}", "base:{d}"), (" this afternoon", "in:afternoon", "this morning", "base:morning"),
           (" during the past {n}", "since:-{n}", "{d}", "base:{d}"), (" last {w}", "in:{w}", "last {w2}", "base:{w2}"),
           (" yesterday", "in:yesterday", "{w}", "base:{w}"), (" in the last {n}", "since:-{n}", "yesterday", "base:yesterday")),
    "de": ((" heute", "in:today", "gestern", "base:yesterday"), (" am {d}", "in:{d}", "{d2}", "base:{d2}"), (" am {w}", "in:{w}", "{w2}", "base:{w2}"),
           (" zwischen {s} und {s2}", "since:{s} until:{s2}", "zwischen {t} und {t2}", "base-since:{t} base-until:{t2}"),
           (" von {s} bis {s2}", "since:{s} until:{s2}", "von {t} bis {t2}", "base-since:{t} base-until:{t2}"),
           (" gestern", "in:yesterday", "heute", "base:today"), (" heute Nachmittag", "in:afternoon", "heute Morgen", "base:morning"),
           (" letzten {w}", "in:{w}", "letzten {w2}", "base:{w2}"), (" am {d}", "in:{d}", "am {d2}", "base:{d2}"),
           (" seit {c}", "since:{c}", "gestern", "base:yesterday"), (" heute Morgen", "in:morning", "letzte Nacht", "base:night"),
           (" in den letzten {n}", "since:-{n}", "gestern", "base:yesterday"), (" am {m}", "in:{m}", "{d}", "base:{d}"),
           (" in der letzten Stunde", "since:-1h", "gestern", "base:yesterday"), (" heute", "in:today", "{d}", "base:{d}")),
    "fr": ((" aujourd'hui", "in:today", "hier", "base:yesterday"), (" le {d}", "in:{d}", "le {d2}", "base:{d2}"), (" {w}", "in:{w}", "{w2}", "base:{w2}"),
           (" entre {s} et {s2}", "since:{s} until:{s2}", "entre {t} et {t2}", "base-since:{t} base-until:{t2}"),
           (" hier", "in:yesterday", "aujourd'hui", "base:today"), (" cet après-midi", "in:afternoon", "ce matin", "base:morning"),
           (" {w} dernier", "in:{w}", "{w2} dernier", "base:{w2}"), (" depuis {c}", "since:{c}", "hier", "base:yesterday"),
           (" le {d}", "in:{d}", "{d2}", "base:{d2}"), (" ce matin", "in:morning", "la nuit dernière", "base:night"),
           (" dans les dernières {n}", "since:-{n}", "hier", "base:yesterday"), (" aujourd'hui", "in:today", "{w}", "base:{w}"),
           (" de {s} à {s2}", "since:{s} until:{s2}", "de {t} à {t2}", "base-since:{t} base-until:{t2}"), (" aujourd'hui", "in:today", "{d}", "base:{d}")),
    "es": ((" hoy", "in:today", "ayer", "base:yesterday"), (" ayer", "in:yesterday", "hoy", "base:today"), (" el {d}", "in:{d}", "el {d2}", "base:{d2}"),
           (" el {w}", "in:{w}", "el {w2}", "base:{w2}"), (" entre {s} y {s2}", "since:{s} until:{s2}", "entre {t} y {t2}", "base-since:{t} base-until:{t2}"),
           (" esta mañana", "in:morning", "anoche", "base:night"), (" desde las {c}", "since:{c}", "ayer", "base:yesterday"),
           (" en la última hora", "since:-1h", "ayer", "base:yesterday"),
           (" de {s} a {s2}", "since:{s} until:{s2}", "de {t} a {t2}", "base-since:{t} base-until:{t2}"), (" hoy", "in:today", "el {d}", "base:{d}")),
}


def _number(rng, language):
    unit = rng.choice("mmhhhddsw")
    count = rng.choice((2, 3, 5, 10, 15, 24, 30, 48, rng.randint(2, 90)))
    if unit in "dw":
        count = rng.randint(2, 14)
    word = rng.choice(UNITS[language][unit])
    return ("%d%s" if len(word) == 1 or (len(word) < 4 and rng.random() < 0.3) else "%d %s") % (count, word), "%d%s" % (count, unit)


def _clock(rng, hour):
    minute = rng.choice((0, 0, 0, 15, 30, 45, rng.randint(0, 59)))
    text = "%02d:%02d" % (hour, minute) + (":%02d" % rng.randint(0, 59) if rng.random() < 0.08 else "")
    return (text[1:] if text[0] == "0" and rng.random() < 0.15 else text), text


def _month_day(rng, language, month, day):
    name = MONTHS[language][month - 1]
    if language == "en":
        short = name if rng.random() < 0.6 else name[:3]
        text = rng.choice(("%s %d" % (short, day), "%d %s" % (day, short)))
    else:
        text = {"de": "%d. %s", "fr": "%d %s", "es": "%d de %s"}[language] % (day, name)
    return text, "%02d-%02d" % (month, day)


def _day(rng, year):
    return "%04d-%02d-%02d" % (year, rng.randint(1, 12), rng.randint(1, 28))


def fillers(rng, language):
    """What the placeholders of one expression stand for: (in the question, in the plan)."""
    out = {}
    year = rng.randint(2005, 2034)
    day, hour = _day(rng, year), rng.randint(0, 21)
    shown = day
    if language in ("en", "de") and rng.random() < 0.2:
        shown = "%s.%s.%s" % tuple(reversed(day.split("-")))
    out["d"], other = (shown, day), _day(rng, year)
    out["d2"] = (other, other)
    out["c"], out["c2"] = _clock(rng, hour), _clock(rng, rng.randint(hour + 1, 23))
    spans = (("s", day, hour), ("s2", day if rng.random() < 0.7 else other, hour + rng.randint(1, 2)), ("t", other, hour), ("t2", other, hour + 1))
    for name, of, at in spans:
        clock = _clock(rng, at)[1]
        out[name] = (of + rng.choice("   T") + clock, of + "T" + clock)
    first = rng.randrange(7)
    for name, index in (("w", first), ("w2", (first + rng.randint(1, 6)) % 7)):
        word = WEEK[language][index]
        out[name] = (word if rng.random() < 0.8 else word.lower(), ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[index])
    out["m"] = _month_day(rng, language, rng.randint(1, 12), rng.randint(1, 28))
    out["n"] = _number(rng, language)
    return out


def _fill(rng, language, row):
    names = fillers(rng, language)
    shown, meant = ({name: pair[i] for name, pair in names.items()} for i in (0, 1))
    return [text.format(**(meant if i % 2 else shown)) for i, text in enumerate(row)]


def choose(rng, table, language, held_out):
    rows = table.get(language) or table["en"]
    cut = len(rows) - HELD_OUT
    return _fill(rng, language if language in table else "en", rng.choice(rows[cut:] if held_out and rng.random() < 0.5 else rows[:cut]))
