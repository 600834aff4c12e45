"""Yet more wordings of questions, for training only: a table a language, written without sight of the held-out ones.

A row is a form of phrases.py or a surface plan of skills/operations.py, a tab, and a template of it.
"""

import functools
import pathlib


@functools.cache  # both tables of questions are made of it
def of(language):
    """{form or plan: its templates, in the table's order}."""
    found = {}
    table = pathlib.Path(__file__).with_name(language + ".tsv")
    for line in table.read_text(encoding="utf-8").splitlines():
        key, template = line.split("\t")
        found.setdefault(key, []).append(template)
    return found
