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
    "en": ((" today", "in:today"), (" yesterday", "in:yesterday"), (" on {d}", "in:{d}"), (" since {c}", "since:{c}"),
           (" after {c}", "since:{c}"), (" before {c}", "until:{c}"), (" until {c}", "until:{c}"), (" in the last {n}", "since:-{n}"),
           (" during the past {n}", "since:-{n}"), (" in the last hour", "since:-1h"), (" within the last day", "since:-1d"),
           (" between {c} and {c2}", "since:{c} until:{c2}"), (" from {c} to {c2}", "since:{c} until:{c2}"),
           (" between {s} and {s2}", "since:{s} until:{s2}"), (" from {s} to {s2}", "since:{s} until:{s2}"),
           (" since yesterday", "since:yesterday"), (" since {d}", "since:{d}"), (" since {s}", "since:{s}"), (" until {s}", "until:{s}"),
           (" on {w}", "in:{w}"), (" since {w}", "since:{w}"), (" this morning", "in:morning"), (" this afternoon", "in:afternoon"),
           (" this evening", "in:evening"), (" last night", "in:night"), (" on {m}", "in:{m}"), (" since {m}", "since:{m}"),
           (" {n} ago", "since:-{n} until:now"), (" this week", "since:-1w"), (" in the last week", "since:-1w"), (" since midnight", "since:00:00"),
           (" since noon", "since:12:00"), (" yesterday between {c} and {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"),
           (" yesterday after {c}", "since:yesterdayT{c}"), (" today before {c}", "until:todayT{c}"), (" at {c}", "in:{c}"),
           (" at {c} on {d}", "in:{d}T{c}"), (" from {d} to {d2}", "since:{d} until:{d2}"), (" until yesterday", "until:yesterday"),
           (" since {s} until {s2}", "since:{s} until:{s2}"), (" for the last {n}", "since:-{n}"), (" since yesterday {c}", "since:yesterdayT{c}"),
           (" over the past {n}", "since:-{n}"), (" from {c} on", "since:{c}")),
    "de": ((" heute", "in:today"), (" gestern", "in:yesterday"), (" am {d}", "in:{d}"), (" seit {c}", "since:{c}"), (" seit {c} Uhr", "since:{c}"),
           (" nach {c}", "since:{c}"), (" vor {c}", "until:{c}"), (" bis {c}", "until:{c}"), (" in den letzten {n}", "since:-{n}"),
           (" in der letzten Stunde", "since:-1h"), (" zwischen {c} und {c2}", "since:{c} until:{c2}"), (" von {c} bis {c2} Uhr", "since:{c} until:{c2}"),
           (" zwischen {s} und {s2}", "since:{s} until:{s2}"), (" von {s} bis {s2}", "since:{s} until:{s2}"), (" seit gestern", "since:yesterday"),
           (" am {w}", "in:{w}"), (" seit {w}", "since:{w}"), (" heute Morgen", "in:morning"), (" heute Nachmittag", "in:afternoon"),
           (" letzte Nacht", "in:night"), (" seit {d}", "since:{d}"), (" vor {n}", "since:-{n} until:now"), (" diese Woche", "since:-1w"),
           (" seit Mitternacht", "since:00:00"), (" seit dem {m}", "since:{m}"), (" am {m}", "in:{m}"), (" um {c} Uhr", "in:{c}"),
           (" gestern zwischen {c} und {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"), (" in den vergangenen {n}", "since:-{n}"),
           (" gestern nach {c}", "since:yesterdayT{c}")),
    "fr": ((" aujourd'hui", "in:today"), (" hier", "in:yesterday"), (" le {d}", "in:{d}"), (" depuis {c}", "since:{c}"), (" après {c}", "since:{c}"),
           (" avant {c}", "until:{c}"), (" jusqu'à {c}", "until:{c}"), (" dans les dernières {n}", "since:-{n}"), (" depuis une heure", "since:-1h"),
           (" entre {c} et {c2}", "since:{c} until:{c2}"), (" de {c} à {c2}", "since:{c} until:{c2}"), (" entre {s} et {s2}", "since:{s} until:{s2}"),
           (" de {s} à {s2}", "since:{s} until:{s2}"), (" depuis hier", "since:yesterday"), (" {w}", "in:{w}"), (" depuis {w}", "since:{w}"),
           (" ce matin", "in:morning"), (" cet après-midi", "in:afternoon"), (" la nuit dernière", "in:night"), (" depuis le {d}", "since:{d}"),
           (" il y a {n}", "since:-{n} until:now"), (" cette semaine", "since:-1w"), (" depuis minuit", "since:00:00"), (" le {m}", "in:{m}"),
           (" hier entre {c} et {c2}", "since:yesterdayT{c} until:yesterdayT{c2}"), (" ces {n}", "since:-{n}"), (" depuis le {m}", "since:{m}")),
    "es": ((" hoy", "in:today"), (" ayer", "in:yesterday"), (" el {d}", "in:{d}"), (" desde las {c}", "since:{c}"), (" antes de las {c}", "until:{c}"),
           (" en las últimas {n}", "since:-{n}"), (" en la última hora", "since:-1h"), (" entre las {c} y las {c2}", "since:{c} until:{c2}"),
           (" entre {s} y {s2}", "since:{s} until:{s2}"), (" desde ayer", "since:yesterday"), (" el {w}", "in:{w}"), (" esta mañana", "in:morning"),
           (" anoche", "in:night"), (" esta semana", "since:-1w"), (" desde medianoche", "since:00:00"), (" el {m}", "in:{m}"),
           (" desde el {d}", "since:{d}"), (" durante las últimas {n}", "since:-{n}")),
}
# What "compare A with B" may name: (A with its space, clauses, B without, clauses).
PAIRS = {
    "en": ((" today", "in:today", "yesterday", "base:yesterday"), (" on {d}", "in:{d}", "{d2}", "base:{d2}"), (" on {w}", "in:{w}", "{w2}", "base:{w2}"),
           (" between {s} and {s2}", "since:{s} until:{s2}", "between {t} and {t2}", "base-since:{t} base-until:{t2}"),
           (" from {c} to {c2}", "since:{c} until:{c2}", "yesterday", "base:yesterday"), (" in the last hour", "since:-1h", "yesterday", "base:yesterday"),
           (" since {s} until {s2}", "since:{s} until:{s2}", "from {t} to {t2}", "base-since:{t} base-until:{t2}"),
           (" this morning", "in:morning", "last night", "base:night"), (" today", "in:today", "{w}", "base:{w}"), (" today", "in:today", "{d}", "base:{d}"),
           (" yesterday", "in:yesterday", "{w}", "base:{w}"), (" in the last {n}", "since:-{n}", "yesterday", "base:yesterday")),
    "de": ((" heute", "in:today", "gestern", "base:yesterday"), (" am {d}", "in:{d}", "{d2}", "base:{d2}"), (" am {w}", "in:{w}", "{w2}", "base:{w2}"),
           (" zwischen {s} und {s2}", "since:{s} until:{s2}", "zwischen {t} und {t2}", "base-since:{t} base-until:{t2}"),
           (" von {s} bis {s2}", "since:{s} until:{s2}", "von {t} bis {t2}", "base-since:{t} base-until:{t2}"),
           (" in der letzten Stunde", "since:-1h", "gestern", "base:yesterday"), (" heute", "in:today", "{d}", "base:{d}")),
    "fr": ((" aujourd'hui", "in:today", "hier", "base:yesterday"), (" le {d}", "in:{d}", "le {d2}", "base:{d2}"), (" {w}", "in:{w}", "{w2}", "base:{w2}"),
           (" entre {s} et {s2}", "since:{s} until:{s2}", "entre {t} et {t2}", "base-since:{t} base-until:{t2}"),
           (" de {s} à {s2}", "since:{s} until:{s2}", "de {t} à {t2}", "base-since:{t} base-until:{t2}"), (" aujourd'hui", "in:today", "{d}", "base:{d}")),
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
