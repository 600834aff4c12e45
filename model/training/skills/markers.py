"""The texts around questions, evidence and answers, as docs/plan-grammar.md has them.

Each prompt starts where a line of the log has ended and ends where the reader goes on; answers end with a newline.
Log lines do not begin with "### ", so a log cannot pass for a prompt by chance.
"""

ASK = "\n### ask "        # then the question, a newline and one of the next two
PLAN = "### plan "        # the reader goes on with a surface plan
ANSWER = "### answer "    # the reader goes on with the answer
LINES = "### lines\n"     # behind a question: numbered evidence, "[1] text"; then the question again
NONE = "none"             # the answer when no line has it

LINE_MAX = 250            # bytes of an evidence line; longer ones are cut
EVIDENCE_MAX = 900        # bytes of all of them: question, lines and question fit the attention window


def one_line(text):
    return " ".join(text.split())


def plan_prompt(question):
    return ASK + one_line(question) + "\n" + PLAN


def recall_prompt(question):
    return ASK + one_line(question) + "\n" + ANSWER


def cut(text):
    """The first line of a record, at most LINE_MAX bytes of it, never within a character."""
    return text.split("\n")[0].encode()[:LINE_MAX].decode("utf-8", "ignore")


def open_prompt(lines, question):
    """lines: of at least one record, already cut. The question stands in front as well: so the reader knows what to look for."""
    numbered = "".join("[%d] %s\n" % (i + 1, line) for i, line in enumerate(lines))
    return ASK + one_line(question) + "\n" + LINES + numbered + recall_prompt(question)
