"""Paraphrases of questions. The last HELD_OUT of each list are for tests only; training never sees them.

{noun} {verb} {id} {key} {n} {source} {seq} are words of the world. {who} is a filter (" by kelo") or nothing, {when} a
range (" on 2030-03-13") or nothing; both bring their own space.
"""

import re

HELD_OUT = {"en": 3, "de": 1, "fr": 1, "es": 1}

PHRASES = {
    "find": {
        "en": ("What is the {key} of {noun} {id} when it was {verb}?", "Which {key} does {noun} {id} have where it was {verb}?",
               "{noun} {id} was {verb}: what was the {key}?", "Tell me the {key} of the {verb} {noun} {id}.",
               "Find the {key} for {noun} {id} ({verb}).", "show the {key} given when {noun} {id} got {verb}",
               "{id} {verb}, which {key}?", "Do you know the {key} of {id}, the {noun} that was {verb}?",
               "I need the {key} that {noun} {id} was {verb} with.", "With what {key} was {noun} {id} {verb}?",
               "look up {key} of {noun} {id}, {verb}", "Please give me {noun} {id}'s {key} at the moment it was {verb}.",
               "For {noun} {id}, {verb}, name the {key}.", "What {key} did the log report as {noun} {id} was {verb}?",
               "the {key} of {id} once {verb}?"),
        "de": ("Was war {key} von {noun} {id} bei {verb}?", "Welchen Wert hat {key} bei {noun} {id}, als {verb} gemeldet wurde?",
               "Nenne {key} von {noun} {id} ({verb}).", "{noun} {id} wurde {verb}: welcher {key}?", "Wie lautet {key} für {id}, {verb}?",
               "Ich suche {key} zu {noun} {id} mit {verb}."),
        "fr": ("Quel est {key} de {noun} {id} pour {verb} ?", "Donne-moi {key} de {noun} {id} ({verb}).",
               "{noun} {id} est {verb} : quel {key} ?", "Avec quel {key} {noun} {id} a-t-il été {verb} ?",
               "Je cherche {key} de {id}, {verb}."),
        "es": ("¿Cuál es {key} de {noun} {id} al ser {verb}?", "Dime {key} de {noun} {id} ({verb}).", "¿Con qué {key} fue {verb} {noun} {id}?"),
    },
    "count": {
        "en": ("How many {noun} records were {verb}{who}{when}?", "How often was a {noun} {verb}{who}{when}?",
               "Count the {verb} {noun} entries{who}{when}.", "number of {noun} {verb}{who}{when}",
               "How many times did we see {noun} {verb}{who}{when}?", "What is the number of {verb} {noun} lines{who}{when}?",
               "Give me a count of {noun} {verb}{who}{when}.", "Tell me how many {noun} entries say {verb}{who}{when}.",
               "how much {noun} {verb} was there{who}{when}", "Total of {noun} that got {verb}{who}{when}?",
               "How frequently does {noun} {verb} show up{who}{when}?", "In how many cases was a {noun} {verb}{who}{when}?",
               "{noun} {verb}{who}{when}: how many?"),
        "de": ("Wie viele {noun} wurden {verb}{who}{when}?", "Wie oft wurde ein {noun} {verb}{who}{when}?",
               "Zähle {noun} mit {verb}{who}{when}.", "Anzahl {noun} {verb}{who}{when}", "Wie häufig kam {noun} {verb} vor{who}{when}?",
               "In wie vielen Zeilen steht {noun} {verb}{who}{when}?"),
        "fr": ("Combien de {noun} ont été {verb}{who}{when} ?", "Combien de fois {noun} est-il {verb}{who}{when} ?",
               "Compte les {noun} {verb}{who}{when}.", "Nombre de {noun} {verb}{who}{when}", "{noun} {verb}{who}{when}, combien ?"),
        "es": ("¿Cuántos {noun} fueron {verb}{who}{when}?", "Cuenta los {noun} {verb}{who}{when}.", "¿Cuántas veces fue {verb} un {noun}{who}{when}?"),
    },
    "distinct": {
        "en": ("How many different {key} values were there for {noun} {verb}{when}?", "Count the distinct {key} of {noun} {verb}{when}.",
               "How many unique {key} appear when a {noun} is {verb}{when}?", "number of distinct {key} among {verb} {noun} entries{when}",
               "{noun} {verb}{when}: how many different {key}?", "With how many different {key} was {noun} {verb}{when}?",
               "How many {key}, each counted once, are in {noun} {verb}{when}?", "Tell me the number of different {key} for {noun} {verb}{when}.",
               "unique {key} count, {noun} {verb}{when}", "Of the {verb} {noun} entries{when}, how many distinct {key} are there?",
               "How large is the set of {key} for {noun} {verb}{when}?"),
        "de": ("Wie viele verschiedene {key} gab es bei {noun} {verb}{when}?", "Zähle die unterschiedlichen {key} von {noun} {verb}{when}.",
               "Anzahl verschiedener {key}, {noun} {verb}{when}", "Mit wie vielen verschiedenen {key} wurde {noun} {verb}{when}?"),
        "fr": ("Combien de {key} différents pour {noun} {verb}{when} ?", "Nombre de {key} distincts, {noun} {verb}{when}",
               "Compte les {key} différents de {noun} {verb}{when}."),
    },
    "top": {
        "en": ("Which {n} {key} values are most frequent for {noun} {verb}{when}?", "Top {n} {key} of {noun} {verb}{when}",
               "Show the {n} most common {key} when a {noun} is {verb}{when}.", "What are the {n} {key} with the most {verb} {noun} entries{when}?",
               "Rank {key} by {noun} {verb}{when}, best {n}.", "Give me the top {n} {key} for {noun} {verb}{when}.",
               "the {n} busiest {key}, {noun} {verb}{when}", "Which {key} lead the {verb} {noun} records{when}? I want {n}.",
               "List the {n} {key} that had {noun} {verb} most often{when}.", "most frequent {n} {key} in {noun} {verb}{when}?",
               "Who or what are the {n} leading {key} of {noun} {verb}{when}?", "For {noun} {verb}{when}, name the {n} {key} seen most.",
               "Which {n} {key} occur again and again with {noun} {verb}{when}?"),
        "de": ("Welche {n} {key} sind bei {noun} {verb} am häufigsten{when}?", "Die {n} häufigsten {key} von {noun} {verb}{when}",
               "Top {n} {key} bei {noun} {verb}{when}", "Nenne die {n} {key} mit den meisten {noun} {verb}{when}.",
               "Welche {n} {key} führen bei {noun} {verb}{when}?"),
        "fr": ("Quels sont les {n} {key} les plus fréquents pour {noun} {verb}{when} ?", "Top {n} {key} de {noun} {verb}{when}",
               "Donne les {n} {key} avec le plus de {noun} {verb}{when}.", "Quels {n} {key} dominent {noun} {verb}{when} ?"),
        "es": ("¿Cuáles son los {n} {key} más frecuentes de {noun} {verb}{when}?", "Los {n} {key} principales de {noun} {verb}{when}"),
    },
    "first": {
        "en": ("What was the {key} of the first {noun} {verb}{who}{when}?", "Which {key} has the earliest {verb} {noun}{who}{when}?",
               "first {noun} {verb}{who}{when}: {key}?", "When {noun} was {verb} for the first time{who}{when}, what was the {key}?",
               "Find the oldest {noun} {verb}{who}{when} and tell its {key}.", "the earliest {noun} {verb}{who}{when}, give the {key}",
               "Look for the first {verb} {noun}{who}{when}. What {key} does it have?", "{key} of the very first {noun} {verb}{who}{when}?",
               "Of all {noun} {verb}{who}{when}, which {key} had the first?", "Who or what was the {key} in the first {noun} {verb}{who}{when}?",
               "Starting from the beginning, which {key} comes with the first {noun} {verb}{who}{when}?",
               "Go to where {noun} was {verb} first{who}{when}; read me the {key}.", "initial {noun} {verb}{who}{when}, its {key}?"),
        "de": ("Welchen {key} hatte der erste {noun} {verb}{who}{when}?", "Was war {key} beim ersten {noun} {verb}{who}{when}?",
               "Nenne {key} des frühesten {noun} {verb}{who}{when}.", "Zuerst {noun} {verb}{who}{when}: welcher {key}?"),
        "fr": ("Quel {key} avait le premier {noun} {verb}{who}{when} ?", "{key} du tout premier {noun} {verb}{who}{when} ?",
               "Cherche le plus ancien {noun} {verb}{who}{when} et donne {key}."),
    },
    "last": {
        "en": ("What was the {key} of the last {noun} {verb}{who}{when}?", "Which {key} has the most recent {verb} {noun}{who}{when}?",
               "latest {noun} {verb}{who}{when}: {key}?", "When {noun} was {verb} most recently{who}{when}, what was the {key}?",
               "Find the newest {noun} {verb}{who}{when} and tell its {key}.", "the latest {noun} {verb}{who}{when}, give the {key}",
               "Look for the last {verb} {noun}{who}{when}. What {key} does it have?", "{key} of the most recent {noun} {verb}{who}{when}?",
               "Of all {noun} {verb}{who}{when}, which {key} had the last?", "Who or what was the {key} in the latest {noun} {verb}{who}{when}?",
               "Going backwards, which {key} comes with the first {noun} {verb} you meet{who}{when}?",
               "Go to where {noun} was {verb} last{who}{when}; read me the {key}.", "final {noun} {verb}{who}{when}, its {key}?"),
        "de": ("Welchen {key} hatte der letzte {noun} {verb}{who}{when}?", "Was war {key} beim neuesten {noun} {verb}{who}{when}?",
               "Nenne {key} des jüngsten {noun} {verb}{who}{when}.", "Zuletzt {noun} {verb}{who}{when}: welcher {key}?"),
        "fr": ("Quel {key} avait le dernier {noun} {verb}{who}{when} ?", "{key} du {noun} {verb} le plus récent{who}{when} ?",
               "Cherche le tout dernier {noun} {verb}{who}{when} et donne {key}."),
    },
    "first_time": {
        "en": ("When was {noun} {id} first {verb}?", "At what time was {noun} {id} {verb} for the first time?", "first time {noun} {id} {verb}?",
               "When did {noun} {id} get {verb} first?", "Since when is {noun} {id} {verb}?", "Show when {noun} {id} was initially {verb}.",
               "What is the earliest time of {noun} {id} {verb}?", "when, at first, was {id} {verb}",
               "Date and time of the first {verb} for {noun} {id}?", "How early was {noun} {id} {verb}?"),
        "de": ("Wann wurde {noun} {id} zum ersten Mal {verb}?", "Zu welcher Zeit wurde {noun} {id} zuerst {verb}?", "Seit wann ist {id} {verb}?"),
        "fr": ("Quand {noun} {id} a-t-il été {verb} pour la première fois ?", "Première fois que {id} est {verb} ?",
               "À quelle heure {noun} {id} a-t-il d'abord été {verb} ?"),
    },
    "last_time": {
        "en": ("When was {noun} {id} last {verb}?", "At what time was {noun} {id} {verb} most recently?", "last time {noun} {id} {verb}?",
               "When did {noun} {id} get {verb} the last time?", "What is the latest time of {noun} {id} {verb}?",
               "Show when {noun} {id} was {verb} lastly.", "most recent {verb} of {noun} {id}, when?",
               "Date and time of the latest {verb} for {noun} {id}?", "when, most recently, was {id} {verb}",
               "How recently was {noun} {id} {verb}?"),
        "de": ("Wann wurde {noun} {id} zuletzt {verb}?", "Zu welcher Zeit wurde {noun} {id} das letzte Mal {verb}?", "Letztes {verb} von {id}, wann?"),
        "fr": ("Quand {noun} {id} a-t-il été {verb} pour la dernière fois ?", "Dernière fois que {id} est {verb} ?",
               "À quelle heure {noun} {id} a-t-il été {verb} récemment ?"),
    },
    "between": {
        "en": ("How long did {noun} {id} take from {verb} to {verb2}?", "How much time passed between {verb} and {verb2} of {noun} {id}?",
               "{noun} {id}: duration from {verb} until {verb2}?", "What is the time between {id} {verb} and {id} {verb2}?",
               "How long after {noun} {id} was {verb} was it {verb2}?", "Measure {noun} {id} from {verb} to {verb2}.",
               "time from {verb} to {verb2} for {id}", "Between {verb} and {verb2}, how long was {noun} {id} under way?",
               "After being {verb}, when was {noun} {id} {verb2}? Tell me the time in between.", "elapsed {verb} -> {verb2}, {noun} {id}?",
               "How many seconds lie between {verb} and {verb2} for {noun} {id}?", "From {verb} on, how long until {noun} {id} was {verb2}?",
               "Tell me the gap between {id} being {verb} and {verb2}."),
        "de": ("Wie lange dauerte {noun} {id} von {verb} bis {verb2}?", "Wie viel Zeit liegt zwischen {verb} und {verb2} bei {noun} {id}?",
               "{noun} {id}: Dauer von {verb} bis {verb2}?", "Zeit zwischen {id} {verb} und {id} {verb2}?",
               "Wie lange nach {verb} kam {verb2} bei {id}?"),
        "fr": ("Combien de temps entre {verb} et {verb2} pour {noun} {id} ?", "Durée de {noun} {id} de {verb} à {verb2} ?",
               "Combien de secondes séparent {verb} et {verb2} de {id} ?", "Temps écoulé de {verb} à {verb2}, {noun} {id} ?"),
    },
    "compare": {
        "en": ("Compare {noun} {verb}{when} with {when2}.", "How does {noun} {verb}{when} compare to {when2}?",
               "difference in {noun} {verb}{when} versus {when2}", "Did {noun} {verb} change{when} compared with {when2}?",
               "{noun} {verb}{when} vs {when2}", "Compare the number of {verb} {noun} entries{when} against {when2}.",
               "Were more {noun} {verb}{when} than {when2}?", "Set {noun} {verb}{when} beside {when2}.",
               "What changed for {noun} {verb}{when} against {when2}?", "Is {noun} {verb}{when} up or down from {when2}?",
               "contrast {noun} {verb}{when} and {when2}", "Take {noun} {verb}{when} and hold it against {when2}.",
               "How different is {noun} {verb}{when} from {when2}?"),
        "de": ("Vergleiche {noun} {verb}{when} mit {when2}.", "Was hat sich bei {noun} {verb}{when} gegenüber {when2} geändert?",
               "{noun} {verb}{when} im Vergleich zu {when2}?", "Gab es mehr {noun} {verb}{when} als {when2}?"),
        "fr": ("Compare {noun} {verb}{when} avec {when2}.", "Quelle différence pour {noun} {verb}{when} par rapport à {when2} ?",
               "Y a-t-il plus de {noun} {verb}{when} que {when2} ?"),
    },
    "explain": {
        "en": ("Explain record {seq} of {source}.", "explain line record {seq} in {source}", "What does record {seq} of {source} mean?",
               "Why is record {seq} in {source} unusual?", "Say what record {seq} of {source} is about.", "Explain #{seq} in {source}.",
               "Record {seq} of {source}: what is it?", "Why was record {seq} of {source} surprising?", "Help me understand record {seq} in {source}.",
               "What happened in record {seq} of {source}?", "Please interpret record {seq} of {source}.",
               "I do not understand record {seq} in {source}.", "What is strange about record {seq} of {source}?"),
        "de": ("Erkläre Datensatz {seq} in {source}.", "Was bedeutet Datensatz {seq} von {source}?", "Warum ist Datensatz {seq} in {source} auffällig?",
               "Worum geht es in Datensatz {seq} von {source}?"),
        "fr": ("Explique l'enregistrement {seq} de {source}.", "Que veut dire l'enregistrement {seq} de {source} ?",
               "Pourquoi l'enregistrement {seq} de {source} est-il étrange ?"),
    },
    "digest": {
        "en": ("What is new{when}?", "Summarize what happened{when}.", "Give me an overview{when}.", "digest{when}", "Anything unusual{when}?",
               "What was going on{when}?", "Show a summary of events{when}.", "Anything interesting{when}?", "What should I know about the time{when}?",
               "Bring me up to date{when}.", "What did I miss{when}?", "Sum up the logs{when}.", "Was there anything odd{when}?"),
        "de": ("Was ist neu{when}?", "Was ist passiert{when}?", "Zusammenfassung{when}", "Gib mir einen Überblick{when}.", "Gab es Auffälliges{when}?"),
        "fr": ("Quoi de neuf{when} ?", "Résume ce qui s'est passé{when}.", "Donne-moi un aperçu{when}.", "Y a-t-il eu quelque chose d'étrange{when} ?"),
        "es": ("¿Qué hay de nuevo{when}?", "Resume lo que pasó{when}.", "¿Pasó algo raro{when}?"),
    },
    "setting": {
        "en": ("What is the current {key} of {id}?", "What is {id} set to now?", "Which {key} does {id} have at the moment?", "current {key} of {noun} {id}",
               "Tell me the latest {key} for {id}.", "To what {key} was {id} {verb} last?", "Now, what is {noun} {id}?",
               "What {key} is in force for {id}?", "{id}: newest {key}?", "As of now, {noun} {id} has which {key}?",
               "How is {id} configured today, that is, its {key}?", "Give the up-to-date {key} of {id}."),
        "de": ("Wie ist der aktuelle {key} von {id}?", "Auf welchen {key} steht {id} jetzt?", "Welcher {key} gilt gerade für {noun} {id}?",
               "Neuester {key} von {id}?"),
        "fr": ("Quel est le {key} actuel de {id} ?", "Quel {key} vaut maintenant pour {noun} {id} ?", "Dernier {key} connu de {id} ?"),
    },
    "recall": {
        "en": ("Which {key} does {noun} {id} belong to?", "{noun} {id} {verb}: which {key}?", "What is the {key} of {id}?", "Do you remember the {key} of {noun} {id}?",
               "{id} has which {key}?", "Name the {key} that {noun} {id} was {verb} with.", "From memory: {key} of {noun} {id}?",
               "the {key} known for {id}", "Under which {key} was {noun} {id} {verb}?", "Recall the {key} for {noun} {id}.",
               "You have read it: what {key} has {id}?", "Say {noun} {id}'s {key}."),
        "de": ("Zu welchem {key} gehört {noun} {id}?", "Welchen {key} hat {id}?", "Erinnerst du dich an {key} von {noun} {id}?", "Nenne aus dem Gedächtnis {key} von {id}."),
        "fr": ("À quel {key} appartient {noun} {id} ?", "Quel {key} pour {id} ?", "Te souviens-tu de {key} de {noun} {id} ?"),
    },
    "ticket": {
        "en": ("What is the {key} of {id}?", "Who or what is {key} in ticket {id}?", "ticket {id}: {key}?", "Tell me the {key} of ticket {id}.",
               "Which {key} does {id} have?", "Look into {id} and give its {key}.", "{key} for {id} please", "Find the {key} that {id} names.",
               "In the queue, what is {id}'s {key}?", "What stands under {key} in {id}?", "Check {id}: which {key}?"),
        "de": ("Was steht bei {key} in Vorgang {id}?", "Welcher {key} hat {id}?", "Vorgang {id}: {key}?", "Nenne {key} von {id}."),
        "fr": ("Quel est {key} de la fiche {id} ?", "Fiche {id} : {key} ?", "Que dit {id} sous {key} ?"),
        "es": ("¿Qué {key} tiene {id}?", "Incidencia {id}: ¿{key}?"),
    },
}

WHO = {"en": (" by {v}", " with {v}", " for {v}", " that mention {v}", ", only {v},"), "de": (" mit {v}", " von {v}", " für {v}"),
       "fr": (" avec {v}", " pour {v}"), "es": (" con {v}", " para {v}")}
WHEN = {"en": (" between {a} and {b}", " from {a} to {b}", " since {a} until {b}"), "de": (" zwischen {a} und {b}", " von {a} bis {b}"),
        "fr": (" entre {a} et {b}", " de {a} à {b}"), "es": (" entre {a} y {b}",)}
ON_DAY = {"en": (" on {d}",), "de": (" am {d}",), "fr": (" le {d}",), "es": (" el {d}",)}
TODAY = {"en": (" today",), "de": (" heute",), "fr": (" aujourd'hui",), "es": (" hoy",)}


def choose(rng, form, held_out=False):
    """(language, number, phrase): a phrase for training, or one of the held-out ones."""
    languages = list(PHRASES[form])
    language = rng.choice(["en"] * 4 + languages)
    phrases = PHRASES[form][language]
    cut = len(phrases) - HELD_OUT[language]
    number = rng.randrange(cut, len(phrases)) if held_out else rng.randrange(cut)
    return language, number, phrases[number]


def typo(rng, phrase):
    """A slip of the finger in one plain word of a phrase; names of the world stay as they are."""
    spots = [match for match in re.finditer(r"[^\W\d_]{5,}", phrase) if phrase[match.start() - 1:match.start()] != "{"]
    if not spots:
        return phrase
    word = rng.choice(spots)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    kind = rng.choice(("swap", "drop", "double"))
    if kind == "swap":
        return phrase[:at] + phrase[at + 1] + phrase[at] + phrase[at + 2:]
    return phrase[:at] + ("" if kind == "drop" else phrase[at] * 2) + phrase[at + 1:]
