"""Generated worlds: the same from the same seed, true to their facts, varied, and nobody else's formats."""

import hashlib
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest
from collections import Counter

import paths
import worlds
from worlds import corpus, phrases
from worlds.ask import Asker, Ledger, facts
from worlds.plan import format_plan, format_time, parse_plan, parse_time
from worlds.scan import Scan, read_time, same_word, stem, value_after
from worlds.styles import Stamp
from worlds.world import World

SEEDS = range(20, 32)
SIZE = 120_000
# Names of public log collections and of their systems, as digests: no file of ours shows the names themselves.
FOREIGN = frozenset("""
f160096374da 1887f8732545 fccc979cdc29 8b51ac5ca03b e11cf22916d6 456831beef3f 935f404e59cb 9d5c47ebcda3
f5ed62cfbb7d 5af2392a948f b28e4e917773 d460a96aa6b4 53e68606cd3b 4a640b3bf585 92f473809e59 f60ed56a9c82
1a6e4b99114a 7fd0ccdace8e 328c5022ccc9 1a44a10ec242 87f81af52ddd 19e05df6b2e5 94abcb2d2773 1ca4bc7eb9b3""".split())


def digest(word):
    return hashlib.sha256(word.encode()).hexdigest()[:12]


class Made:
    def __init__(self, seed):
        self.world, self.events = World(seed, SIZE), []
        self.sources = self.world.run(self.events)
        self.texts = {source.name: source.text() for source in self.sources}
        self.lines = {name: text.split("\n") for name, text in self.texts.items()}
        self.asker = Asker(random.Random(seed), self.world, self.events, self.sources)
        self.questions = list(self.asker.questions(105))


class WorldsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = [Made(seed) for seed in SEEDS]

    def test_same_seed_same_bytes(self):
        one, two = Made(20), self.made[0]
        self.assertEqual(one.texts, two.texts)
        self.assertEqual(one.questions, two.questions)

    def test_a_ledger_changes_no_byte(self):
        sources = World(20, SIZE).run()
        self.assertEqual({source.name: source.text() for source in sources}, self.made[0].texts)

    def test_same_in_another_process_with_other_hash_seed(self):
        code = ("import sys,hashlib,itertools; sys.path.insert(0, %r); import worlds\n"
                "print(hashlib.sha256(b''.join(itertools.islice(worlds.stream(3), 4))).hexdigest())" % str(paths.TRAINING))
        runs = {subprocess.run([sys.executable, "-B", "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True,
                               check=True).stdout for seed in ("1", "2")}
        self.assertEqual(len(runs), 1)

    def test_other_seed_other_world(self):
        words = [set(re.findall(r"[a-z]{5,}", " ".join(made.texts.values()).lower())) for made in self.made[:4]]
        for one, two in itertools.combinations(words, 2):
            self.assertLess(len(one & two), 0.6 * min(len(one), len(two)))

    def test_processes_share_a_stream_without_overlap(self):
        whole = {hashlib.sha256(text).digest() for text in itertools.islice(worlds.stream(5), 6)}
        self.assertEqual(len(whole), 6)
        even = {hashlib.sha256(text).digest() for text in itertools.islice(worlds.stream(5, 0, 2), 3)}
        odd = {hashlib.sha256(text).digest() for text in itertools.islice(worlds.stream(5, 1, 2), 3)}
        self.assertFalse(even & odd)

    def test_facts_stand_in_their_lines(self):
        count = 0
        for made in self.made:
            for fact in facts(made.world, made.events):
                for name, number in fact["lines"]:
                    line = made.lines[name][number - 1]
                    block = "\n".join(made.lines[name][number - 1:number + 5])
                    self.assertIn(fact["subject"], line)
                    self.assertIn(fact["value"], block)
                    count += 1
        self.assertGreater(count, 3000)

    def test_executors_agree(self):
        asked = sum(len(made.questions) for made in self.made)
        self.assertGreater(asked, 1000)
        self.assertEqual([drop for made in self.made for drop in made.asker.dropped], [])

    def test_a_wrong_state_is_noticed(self):
        made = Made(21)
        events = [event for event in made.events if event.step.kinds]
        for event in events:
            event.slots = {kind: value + "x" for kind, value in event.slots.items()}
        asker = Asker(random.Random(1), made.world, made.events, made.sources)
        list(asker.questions(63))
        self.assertGreater(len(asker.dropped), 20)

    def test_a_changed_line_is_noticed(self):
        made = Made(22)
        for source in made.sources:
            source.lines = source.lines[::2]
        asker = Asker(random.Random(1), made.world, made.events, made.sources)
        list(asker.questions(63))
        self.assertGreater(len(asker.dropped), 20)

    def test_every_kind_is_asked_and_some_have_no_answer(self):
        rows = [row for made in self.made for row in made.questions]
        self.assertEqual({row["kind"] for row in rows}, {"find", "count", "top", "first", "last", "between", "compare", "explain",
                                                         "digest", "recall"})
        none = sum(not row["answerable"] for row in rows) / len(rows)
        self.assertTrue(0.03 < none < 0.25, none)
        self.assertTrue(all(row["answer"] == "" and not row["evidence_lines"] for row in rows if not row["answerable"]))
        self.assertTrue({"en", "de", "fr", "es"} <= {row["language"] for row in rows})

    def test_evidence_has_what_was_asked(self):
        for row in (row for made in self.made for row in made.questions if row["kind"] in ("find", "recall") and row["answerable"]):
            self.assertTrue(row["evidence_lines"], row)
            self.assertEqual(row["evidence_total"], len(set(map(tuple, row["evidence_lines"]))))

    def test_recall_facts_are_told_as_often_as_planned(self):
        seen = Counter(row["seen"] for made in self.made for row in made.questions if row["kind"] == "recall" and row["answerable"])
        self.assertTrue({1, 2, 5} <= set(seen))
        for row in (row for made in self.made for row in made.questions if "choices" in row):
            self.assertEqual(len(set(row["choices"]) - {row["answer"]}), 99)
            self.assertNotIn(row["answer"], row["prompt"])

    def test_newest_value_wins(self):
        checked = 0
        for made in self.made:
            ledger = Ledger(made.world, made.events, made.sources)
            for row in made.questions:
                if not row["paraphrase"].startswith("setting") or not row["answerable"]:
                    continue
                (name, number), = row["evidence_lines"]
                key = parse_plan(row["plan"]).must[0].text
                machine = next(machine for machine in made.world.machines if machine.archetype == "setting")
                told = [event for event in ledger.of(machine, machine.steps["change"]) if event.key == key]
                self.assertEqual(told[-1].line, number)
                checked += len(told) > 1
        self.assertGreater(checked, 5)

    def test_no_template_dominates(self):
        shapes = Counter()
        for made in self.made:
            own = Counter()
            for line in itertools.chain.from_iterable(made.lines.values()):
                own[re.sub(r"[0-9a-f]*\d[0-9a-f.]*", "#", line)[:60]] += 1
            self.assertLess(own.most_common(1)[0][1] / sum(own.values()), 0.7)
            shapes.update(own)
        self.assertLess(shapes.most_common(1)[0][1] / sum(shapes.values()), 0.1)
        kinds = Counter(source.envelope.kind for made in self.made for source in made.world.sources)
        self.assertGreaterEqual(len(kinds), 5)

    def test_no_foreign_names(self):
        for made in self.made:
            for word in set(re.findall(r"[a-z]+", " ".join(made.texts.values()).lower())):
                self.assertNotIn(digest(word), FOREIGN, word)
        for path in (paths.TRAINING / "worlds").glob("*"):
            if path.is_file():
                for word in set(re.findall(r"[a-z]+", path.read_text().lower())):
                    self.assertNotIn(digest(word), FOREIGN, (path.name, word))

    def test_command_writes_a_world(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, "-B", "-m", "worlds", "--seed", "20", "--bytes", str(SIZE), "--out", folder],
                                  cwd=paths.TRAINING, capture_output=True, text=True, check=True)
            self.assertIn(" 0 disagreements", done.stdout)
            for name, text in self.made[0].texts.items():
                self.assertEqual((pathlib.Path(folder) / name).read_bytes(), text.encode())
            for line in (pathlib.Path(folder) / "questions.jsonl").read_text().splitlines():
                self.assertTrue(json.loads(line)["question"])


class CorpusFolderTest(unittest.TestCase):
    def test_a_file_for_each_source_and_the_same_bytes_again(self):
        written = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                out = pathlib.Path(folder)
                end, size = corpus.write_corpus(40, 150_000, out)
                files = {path.name: path.read_bytes() for path in out.iterdir()}
                self.assertEqual(size, sum(map(len, files.values())))
                self.assertGreaterEqual(size, 150_000)
                written.append(files)
        self.assertEqual(written[0], written[1])
        made = {source.name: source.text().encode() for source in World(40, corpus.world_size(40)).run()}
        self.assertEqual({name: data for name, data in written[0].items() if name.startswith("world-40-")},
                         {"world-40-%s.txt" % name: data for name, data in made.items()})

    def test_sizes_are_spread(self):
        sizes = sorted(corpus.world_size(seed) for seed in range(200))
        self.assertTrue(corpus.SMALLEST <= sizes[0] < 100_000 and 700_000 < sizes[-1] <= corpus.LARGEST)
        self.assertTrue(180_000 < sizes[100] < 380_000)


class PhrasesTest(unittest.TestCase):
    def test_enough_of_each_and_no_held_out_one_in_training(self):
        for form, languages in phrases.PHRASES.items():
            self.assertGreaterEqual(len(languages["en"]), 10, form)
            for language, some in languages.items():
                self.assertEqual(len(set(phrase.lower() for phrase in some)), len(some), (form, language))
                self.assertGreater(len(some) - phrases.HELD_OUT[language], 0)
                rng = random.Random(form)
                train = {phrases.choose(rng, form)[2] for _ in range(9000)}
                held = {phrases.choose(rng, form, True)[2] for _ in range(600)}
                self.assertFalse(train & held, form)
                self.assertEqual(len(some), len([phrase for phrase in some if phrase in train | held]), (form, language))

    def test_typo_spares_names(self):
        rng = random.Random(2)
        for form, languages in phrases.PHRASES.items():
            for phrase in itertools.chain.from_iterable(languages.values()):
                slipped = phrases.typo(rng, phrase)
                self.assertEqual(re.findall(r"\{\w+\}", phrase), re.findall(r"\{\w+\}", slipped))


class PlanTest(unittest.TestCase):
    def test_round_trip(self):
        for text in ("find must:a.b-1 must:lock*~seal~\"two words\" field:word near:owner limit:5",
                     "top must:x* field:ip near:client source:a.log since:2030-01-02T03:00:00Z until:2030-01-02T03:59:59.999999Z limit:3 order:most",
                     "between must:k to:k to:end* limit:5", "count must:error*|fail|crash~fatal may:x~y limit:5", 'find phrase:"say \\"no\\" \\\\ \\x09" limit:1', "explain seq:12 source:b limit:1"):
            self.assertEqual(format_plan(parse_plan(text)), text)

    def test_damaged_plans_are_refused(self):
        for text in ("", "seek must:a", "find  must:a", "find wish:a", "find must:", "find limit:x", "find must:a|", "find field:colour", "find order:up"):
            with self.assertRaises(ValueError):
                parse_plan(text)

    def test_time(self):
        self.assertEqual(parse_time(format_time(1_900_000_000_123_456)), 1_900_000_000_123_456)


class ScanTest(unittest.TestCase):
    def test_stems(self):
        for word, expected in (("granted", "grant"), ("dropped", "drop"), ("closed", "clos"), ("entries", "entri"), ("status", "status"),
                               ("exceeded", "exceed"), ("failure", "fail"), ("connection", "connect")):
            self.assertEqual(stem(word), expected)
        self.assertTrue(same_word(stem("granted"), "granting"))
        self.assertFalse(same_word(stem("granted"), "granite"))

    def test_reads_every_stamp(self):
        rng = random.Random(4)
        for _ in range(500):
            stamp = Stamp(rng)
            shown = stamp.shown_us(1_700_000_000_000_000 + rng.randrange(10**13))
            if stamp.wall:
                self.assertEqual(read_time(stamp.render(shown) + " x", shown + 10**9), shown, stamp.render(shown))

    def test_values(self):
        for text in ("a user=kelo, b", 'a "user": "kelo"}', "(user kelo).", "user: kelo", "[user kelo]", 'msg=\\"user \\"kelo\\"', "{user:kelo}!"):
            self.assertEqual(value_after(text, "user"), "kelo", text)
        self.assertIsNone(value_after("superuser=kelo", "user"))

    def test_indented_lines_belong_to_the_record(self):
        scan = Scan({"a": "2030-01-01 00:00:00 one\n  at two\n2030-01-01 00:00:01 three\n"}, 0)
        self.assertEqual([record.line for record in scan.records], [1, 3])
        self.assertEqual(scan.execute(parse_plan("count must:two limit:5"), ["a"]), ("1", [("a", 1)]))


if __name__ == "__main__":
    unittest.main()
