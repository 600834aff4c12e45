"""Skills: surface plans mean what they say, episodes are true to their world and keep test and training apart."""

import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import paths
from skills import asking, episodes, evaluation, markers, operations, surface, times
from skills.lessons import Lessons
from skills.surface import resolve
from worlds import phrases, wordings
from worlds.plan import KINDS, format_plan, parse_plan
from worlds.world import World

NOW = surface.civil_us(2026, 11, 21, 13)  # a Saturday
COPIED = re.compile(r' (?:id|word|hint|phrase|to|near|source|seq|pattern):((?:"[^"]+"|[^" ]+))')


class SurfaceTest(unittest.TestCase):
    def test_examples(self):
        rows = [line.split("\t") for line in (pathlib.Path(__file__).parent / "surface_plans.tsv").read_text().splitlines()[1:]]
        self.assertGreater(len(rows), 25)
        for text, plan in rows:
            self.assertEqual(format_plan(resolve(text, NOW, ["host:/var/log/auth.log", "b c.log"])), plan, text)

    def test_damaged_plans_are_refused(self):
        for text in ("", "seek", "find ", "find  id:a", "find id:", "find wish:a", "find word:a id:b", "find field:ip field:ip", "find field:colour",
                     "find since:soon", "find since:25:00", "find in:0-1", "find source:missing.log", 'find id:"a', "find id:a|b", "count limit:x",
                     "find in:2026-02-30", "find limit:1234"):
            with self.assertRaises(ValueError, msg=text):
                resolve(text, NOW, ["auth.log"])

    def test_zone(self):
        self.assertEqual(resolve("find since:09:00", NOW, zone_s=3600).since, surface.civil_us(2026, 11, 21, 8))
        self.assertEqual(resolve("find in:yesterday", NOW, zone_s=3600).since, surface.civil_us(2026, 11, 19, 23))
        self.assertEqual(resolve("find in:mon", NOW, zone_s=-7200).since, surface.civil_us(2026, 11, 16, 2))


class TaughtTest(unittest.TestCase):
    def test_plans_that_the_reader_is_taught(self):
        rows = [line.split("\t") for line in (pathlib.Path(__file__).parent / "asked_plans.tsv").read_text().splitlines()[1:]]
        for question, plan in rows:
            resolve(plan, NOW, ["shewes.out", "mukequait.log", "THI-tickets.csv"])
            for copy in COPIED.findall(" " + plan):
                self.assertIn(copy.strip('"').split("|")[0], question)


class AskingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = {}
        for held_out in (False, True):
            world = World(77, 12_000)
            sources = [source.name for source in world.run()]
            asked = asking.ask_many(random.Random(1), world, sources, 1500, held_out)
            cls.made[held_out] = [(made, sources) for made in asked]

    def test_every_plan_resolves_and_survives_its_text(self):
        for made, sources in self.made[False] + self.made[True]:
            plan = format_plan(resolve(made["surface"], NOW, sources))
            self.assertEqual(format_plan(parse_plan(plan)), plan)

    def test_copies_are_whole_words_of_the_question(self):
        for made, _ in self.made[False] + self.made[True]:
            for value in COPIED.findall(" " + made["surface"]):
                for copy in [value[1:-1]] if value[0] == '"' else value.split("|"):
                    found = re.search(r"(?<![^\W_])%s(?![^\W_])" % re.escape(copy), made["question"])
                    self.assertTrue(found, (copy, made))

    def test_held_out_paraphrases_are_never_trained_on(self):
        forms = {held_out: {made["form"] for made, _ in self.made[held_out]} for held_out in self.made}
        self.assertFalse(forms[False] & forms[True])
        self.assertGreater(len(forms[True]), 60)

    def test_all_kinds_and_languages(self):
        self.assertEqual({made["surface"].split(" ")[0] for made, _ in self.made[False]}, set(KINDS))
        self.assertEqual({made["language"] for made, _ in self.made[False]}, {"en", "de", "fr", "es"})

    def test_wordings_are_of_forms_and_plans_that_there_are(self):
        holes = lambda text, *other: set(re.findall(r"\{(\w+)\}", text)) - set(other)
        for language in phrases.HELD_OUT:
            for key, templates in wordings.of(language).items():
                if key in phrases.PHRASES:
                    continue
                self.assertIn(re.split(r"[ {]", key)[0], KINDS, (language, key))
                for template in templates:
                    self.assertEqual(holes(template, "T", "P", "when", "when2"), holes(key, "F", "t"), (key, template))
                    self.assertEqual("{when}" in template, "{t}" in key, (key, template))
                    self.assertEqual(bool(holes(template) & {"T", "P"}), "{F}" in key, (key, template))

    def test_no_phrase_twice(self):
        for language, rows in operations.QUESTIONS.items():
            self.assertEqual(len({row[0].lower() for row in rows}), len(rows), language)
        for table in (times.RANGES, times.PAIRS):
            for language, rows in table.items():
                self.assertEqual(len({row[0] + "/" + row[-2] for row in rows}), len(rows), language)


class LessonsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lessons = [Lessons(seed) for seed in (3, 4, 5)]

    def test_same_seed_same_episodes(self):
        self.assertEqual(episodes.episodes(9), episodes.episodes(9))

    def test_answers_stand_in_their_lines_and_nothing_else_does(self):
        answered = none = 0
        for lessons in self.lessons:
            for _ in range(150):
                item = lessons.open_item()
                if item["answer"] == markers.NONE:
                    none += 1
                    continue
                answered += 1
                for part in item["answer"].split(", "):
                    value, refs = re.fullmatch(r"(.+?)((?: \[\d\])+)", part).groups()
                    for ref in re.findall(r"\d", refs):
                        self.assertIn(value, item["lines"][int(ref) - 1], item)
                self.assertLessEqual(len(item["lines"]), 8)
                self.assertTrue(all(len(line.encode()) <= markers.LINE_MAX for line in item["lines"]))
                self.assertLessEqual(sum(len(line.encode()) for line in item["lines"]), markers.EVIDENCE_MAX)
        self.assertTrue(0.15 < none / (none + answered) < 0.4)

    def test_no_answer_means_no_line_has_it(self):
        for lessons in self.lessons:
            told = {(event.key, event.step.verb): event for event in lessons.events}
            for _ in range(150):
                item = lessons.open_item()
                if item["answer"] != markers.NONE or item["kind"] == "ticket":
                    continue
                for (key, verb), event in told.items():
                    asked = key in item["question"] and (verb in item["question"] or item["kind"] != "find")
                    if asked and event.machine.noun in item["question"]:
                        self.assertFalse(any(key in line and verb in line for line in item["lines"]), item)

    def test_recall_is_asked_only_about_what_was_read(self):
        for lessons in self.lessons:
            for episode in filter(None, (lessons.closed() for _ in range(20))):
                (text, role), rest = episode["segments"][0], episode["segments"][1:]
                self.assertEqual(role, "stream")
                for (_, ask), (answer, told) in zip(rest[::2], rest[1::2]):
                    self.assertEqual((ask, told), ("ask", "answer"))
                    self.assertIn(answer.strip(), text)

    def test_roles_and_ends(self):
        for episode in map(json.loads, episodes.episodes(6).splitlines()):
            for text, role in episode["segments"]:
                self.assertIn(role, ("stream", "ask", "answer"))
                self.assertTrue(text.endswith("\n") != (role == "ask"), episode)

    def test_evaluation_of_recall(self):
        made = next(filter(None, (evaluation.closed_world(seed) for seed in range(50, 70))))
        _, text, line_count, asked = made
        lines = text.split("\n")[:line_count]
        for (_, key, value, seen, distance), (_, _, question), decoys in asked:
            told = [number for number, line in enumerate(lines) if key in line and value in line]
            self.assertEqual(len(told), seen)
            self.assertTrue(0 <= line_count - told[-1] - distance < 600)
            self.assertIn(key, question)
            self.assertEqual(len(set(decoys) - {value}), 99)

    def test_command(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "episodes.jsonl"
            subprocess.run([sys.executable, "-B", "-m", "skills.episodes", "--seeds", "9:11", "--out", str(out), "--processes", "2"],
                           cwd=paths.TRAINING, check=True)
            self.assertEqual(out.read_text(), episodes.episodes(9) + episodes.episodes(10))


if __name__ == "__main__":
    unittest.main()
