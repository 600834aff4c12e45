"""Line styles: how a source writes time, level and envelope around a message.

A style is composed from parts, never taken from a list of known formats. A compiled line is a %-format over a
dictionary with t (time), h (host), p (process or thread) and the slots of the message.
"""

import json
import time

MICRO = 1_000_000

LEVEL_SETS = (
    ("DEBUG", "INFO", "WARN", "ERROR", "FATAL"), ("debug", "info", "warning", "error", "critical"),
    ("D", "I", "W", "E", "F"), ("Trace", "Information", "Warning", "Error", "Severe"), ("10", "20", "30", "40", "50"),
    ("dbg", "inf", "wrn", "err", "alert"), ("FINE", "NOTICE", "CAUTION", "FAULT", "PANIC"),
    ("verbose", "note", "attention", "trouble", "emergency"), ("<7>", "<6>", "<4>", "<3>", "<1>"),
)

ALIASES = {"time": ("time", "ts", "timestamp", "@time", "when"), "level": ("level", "lvl", "severity", "sev"),
           "host": ("host", "node", "machine", "hostname"), "component": ("component", "logger", "unit", "app", "module"),
           "process": ("pid", "thread", "proc", "tid"), "message": ("message", "msg", "text", "event")}


class Stamp:
    """Writes time of one source. `shown_us` is what a reader can know: cut to the precision written."""

    DATES = ("%Y-%m-%d", "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%b/%Y", "%b %d", "%Y%m%d", "%d %b %Y")

    def __init__(self, rng):
        self.kind = rng.choice(("civil",) * 8 + ("epoch", "epoch_ms", "uptime"))
        date = rng.choice(self.DATES)
        glue = rng.choice((" ", " ", "T", "_")) if date in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d") else rng.choice((" ", ":"))
        if date in ("%b %d", "%d %b %Y", "%d.%m.%Y"):
            glue = " "
        self._format = date + glue + "%H:%M:%S"
        self.digits = rng.choice((0, 0, 0, 3, 3, 6))
        self._point = rng.choice((".", ".", ",")) if self.digits else ""
        self.offset_s = 0
        self._zone = rng.choice(("", "", "", "Z", "+00:00", " UTC", "offset"))
        if self._zone == "offset":
            hours = rng.choice((-8, -5, -3, 1, 2, 5, 9))
            self.offset_s = hours * 3600
            self._zone = "%s%02d%s00" % ("-" if hours < 0 else "+", abs(hours), rng.choice(("", ":")))
        if self.kind != "civil":
            self._zone, self.offset_s = "", 0
            self.digits = {"epoch": rng.choice((0, 3)), "epoch_ms": 3, "uptime": 6}[self.kind]
        self.skew_us = rng.choice((0, 0, 0, rng.randint(-3 * MICRO, 3 * MICRO), rng.randint(-90 * MICRO, 90 * MICRO)))
        self.wall = self.kind != "uptime"
        self._unit = 10 ** (6 - self.digits)
        self._second = -1
        self._text = ""
        self.start_us = 0

    def shown_us(self, true_us):
        shown = true_us + self.skew_us
        return shown - shown % self._unit

    def render(self, shown_us):
        second, micro = divmod(shown_us, MICRO)
        if self.kind == "civil":
            if second != self._second:
                self._second = second
                self._text = time.strftime(self._format, time.gmtime(second + self.offset_s))
            if self.digits == 0:
                return self._text + self._zone
            if self.digits == 3:
                return "%s%s%03d%s" % (self._text, self._point, micro // 1000, self._zone)
            return "%s%s%06d%s" % (self._text, self._point, micro, self._zone)
        if self.kind == "epoch":
            return "%d.%03d" % (second, micro // 1000) if self.digits else str(second)
        if self.kind == "epoch_ms":
            return str(shown_us // 1000)
        second, micro = divmod(shown_us - self.start_us, MICRO)
        return "%d.%06d" % (second, micro)


def escape(text):
    """A literal for a %-format."""
    return text.replace("%", "%%")


class Envelope:
    """The part of a line around the message. line(...) compiles a message into a whole line's %-format."""

    KINDS = ("plain",) * 5 + ("bracketed",) * 3 + ("syslog",) * 3 + ("json",) * 3 + ("pairs",) * 2 + ("csv", "pipes")

    def __init__(self, rng, stamp):
        self.kind = rng.choice(self.KINDS)
        self.levels = rng.choice(LEVEL_SETS)
        self.shows_level = rng.random() < 0.85 and self.kind != "syslog"
        self.shows_host = rng.random() < (0.9 if self.kind in ("syslog", "csv") else 0.4)
        self.shows_process = rng.random() < 0.5
        self.process_pool = ["%d" % rng.randint(1000, 40000) for _ in range(rng.choice((1, 2, 6, 20)))]
        if rng.random() < 0.4:
            stem = rng.choice(("worker", "exec", "pool-1-thread", "main", "io", "t"))
            self.process_pool = ["%s-%d" % (stem, i) for i in range(rng.randint(1, 12))]
        self._keys = {name: rng.choice(ALIASES[name]) for name in ALIASES}
        self._order = [name for name in ("level", "host", "component", "process")
                       if not ((name == "level" and not self.shows_level) or (name == "host" and not self.shows_host) or
                               (name == "process" and not self.shows_process))]
        rng.shuffle(self._order)
        self._wraps = {name: rng.choice(("%s", "%s", "[%s]", "(%s)", "{%s}", "<%s>")) for name in ALIASES}
        self._glue = rng.choice((" ", " ", " ", "  ", "\t"))
        self._colon = rng.choice((": ", ": ", " - ", " -- ", " | ", " "))
        self._time_wrap = rng.choice(("%s", "%s", "[%s]"))
        self._spaces = rng.random() < 0.5  # JSON with or without spaces
        self._priority = rng.random() < 0.3
        self.structured = self.kind in ("json", "pairs")
        self.flat = rng.random() < 0.5     # structured: slots as members of their own
        self._pad = rng.random() < 0.3
        if stamp.kind == "uptime":
            self._time_wrap = "[%s]"

    def _parts(self, level, component):
        word = self.levels[level]
        if self._pad and self.kind in ("plain", "bracketed"):
            word = word.ljust(max(map(len, self.levels)))
        return {"level": escape(word), "host": "%(h)s", "component": escape(component), "process": "%(p)s"}

    def line(self, level, component, message, members):
        """message: a %-format. members: [(key, %-format of the value)] for structured styles."""
        parts = self._parts(level, component)
        if self.kind == "json":
            return self._json(parts, message, members)
        if self.kind == "pairs":
            quoted = message.replace('"', "'")
            pairs = [(self._keys[name], parts[name]) for name in self._order]
            text = " ".join('%s=%s' % pair for pair in [(self._keys["time"], '"%(t)s"')] + pairs)
            tail = "".join(" %s=%s" % (key, value) for key, value in members) if self.flat else ""
            return '%s %s="%s"%s' % (text, self._keys["message"], quoted, tail)
        if self.kind == "csv":
            return ",".join(["%(t)s"] + [parts[name] for name in self._order] + ['"%s"' % message.replace('"', "'")])
        if self.kind == "pipes":
            return " | ".join(["%(t)s"] + [parts[name] for name in self._order] + [message])
        if self.kind == "syslog":
            process = "[%(p)s]" if self.shows_process else ""
            host = " %(h)s" if self.shows_host else ""
            head = "<%d>" % (8 * 3 + (7, 6, 4, 3, 1)[level]) if self._priority else ""
            return "%s%%(t)s%s %s%s: %s" % (head, host, parts["component"], process, message)
        if self.kind == "bracketed":
            body = self._glue.join("[%s]" % parts[name] for name in self._order)
            return "[%%(t)s] %s%s%s" % (body, self._colon if self._order else "", message)
        body = self._glue.join(self._wraps[name] % parts[name] for name in self._order)
        return "%s%s%s%s%s" % (self._time_wrap % "%(t)s", self._glue, body, self._colon, message)

    def _json(self, parts, message, members):
        out = [(self._keys["time"], '"%(t)s"')]
        out += [(self._keys[name], '"%s"' % parts[name]) for name in self._order]
        out.append((self._keys["message"], '"%s"' % message.replace("\\", "\\\\").replace('"', '\\"')))
        if self.flat:
            out += [(key, '"%s"' % value) for key, value in members if key not in self._keys.values()]
        colon, comma = (": ", ", ") if self._spaces else (":", ",")
        return "{" + comma.join(json.dumps(key) + colon + value for key, value in out) + "}"
