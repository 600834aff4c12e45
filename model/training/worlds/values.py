"""Typed slots: users, hosts, addresses, ids, paths, numbers. Values come back, as they do in real logs."""


class Pool:
    """A fixed set of values drawn with a Zipf-like law through a table, so that a draw is cheap."""

    def __init__(self, rng, items, skew=None):
        skew = rng.uniform(0.3, 1.3) if skew is None else skew
        self.items = list(items)
        weights = [1 / (i + 1) ** skew for i in range(len(self.items))]
        self._table = rng.choices(self.items, weights, k=1024)
        self._random = rng.random

    def draw(self):
        return self._table[int(self._random() * 1024)]


def ipv4(rng, prefix):
    octets = list(prefix)
    while len(octets) < 4:
        octets.append(rng.randint(1, 254))
    return ".".join(map(str, octets))


def id_maker(rng, lexicon):
    """A function that makes a fresh id on each call; the shape is chosen once."""
    shape = rng.choice(("counter", "counter", "prefixed", "hex", "long", "uuid", "dated", "pair"))
    state = [rng.randint(1000, 900000)]
    step = rng.choice((1, 1, 1, 3, 7))
    prefix = lexicon.invent(1)[: rng.randint(2, 4)]
    glue = rng.choice("-_")
    width = rng.choice((6, 8, 12, 16))
    day = "%02d%02d" % (rng.randint(1, 12), rng.randint(1, 28))
    upper = rng.random() < 0.3

    def make():
        state[0] += step if rng.random() < 0.9 else step + rng.randint(1, 9)
        number = state[0]
        if shape == "prefixed" or shape == "counter":  # bare numbers would collide with other numbers
            text = "%s%s%d" % (prefix, glue, number)
        elif shape == "hex":
            text = "%s%s%0*x" % (prefix, glue, width, rng.getrandbits(4 * width))
        elif shape == "long":
            text = "%s%s%d" % (prefix, glue, rng.getrandbits(60) + (1 << 60))
        elif shape == "uuid":
            h = "%032x" % rng.getrandbits(128)
            text = "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))
        elif shape == "dated":
            text = "%s%s%s%s%05d" % (prefix, glue, day, glue, number % 100000)
        else:
            text = "%s%02d%s%06d" % (prefix, number % 16, glue, number)
        return text.upper() if upper else text

    return make


class Values:
    """Pools and generators of one world."""

    def __init__(self, rng, lexicon):
        self._rng = rng
        self._lexicon = lexicon
        invent = lexicon.invent
        self.users = Pool(rng, self._user_names(rng.randint(8, 90)))
        self.hosts = Pool(rng, self._host_names(rng.randint(3, 40)), 0.4)
        net = (rng.choice((10, 172, 192, 100, 203)), rng.randint(0, 254))
        nets = [net + (rng.randint(0, 254),) for _ in range(rng.randint(1, 5))]
        self.ips = Pool(rng, {ipv4(rng, rng.choice(nets)): 0 for _ in range(rng.randint(10, 250))})
        roots = [rng.choice(("/srv/", "/var/", "/data/", "/opt/", "/mnt/", "/home/")) + invent() for _ in range(4)]
        ends = ("", ".dat", ".db", ".tmp", ".json", ".idx", ".part", ".yaml", ".gz")
        self.paths = Pool(rng, ["%s/%s%s" % (rng.choice(roots), "/".join(invent() for _ in range(rng.randint(1, 3))),
                                             rng.choice(ends)) for _ in range(rng.randint(8, 80))])
        self.domains = [invent() + rng.choice((".example", ".test", ".internal", ".lan")) for _ in range(6)]
        self.versions = Pool(rng, ["%d.%d.%d" % (rng.randint(0, 9), rng.randint(0, 20), rng.randint(0, 40))
                                   for _ in range(12)])
        self.words = Pool(rng, [invent() for _ in range(rng.randint(10, 60))])
        self.codes = Pool(rng, ["%s%d" % (rng.choice("EWXQZ"), rng.randint(100, 9999)) for _ in range(15)])

    def _user_names(self, count):
        rng, invent = self._rng, self._lexicon.invent
        style = rng.choice(("plain", "plain", "dotted", "numbered", "service"))
        names = []
        for _ in range(count):
            name = invent()
            if style == "dotted":
                name = "%s.%s" % (rng.choice("abcdefghjklmnprstw"), name)
            elif style == "numbered":
                name += str(rng.randint(1, 99))
            elif style == "service" and rng.random() < 0.4:
                name = "svc-" + name
            names.append(name)
        return names

    def _host_names(self, count):
        rng, invent = self._rng, self._lexicon.invent
        stems = [invent() for _ in range(rng.randint(1, 5))]
        style = rng.choice(("%s%02d", "%s-%d", "%s-%d.%s", "%s%d-%s", "n%s%03d"))
        site = invent(1)[:3]
        names = []
        for i in range(count):
            stem = rng.choice(stems)
            names.append(style % ((stem, i + 1, site) if style.count("%") == 3 else (stem, i + 1)))
        return names

    def number(self):
        """A generator of numbers for one slot: most slots are nearly constant, some count, some are wide."""
        rng = self._rng
        draw = rng.random
        kind = rng.choice(("enum", "enum", "small", "small", "counter", "wide", "jitter", "round", "percent", "float"))
        if kind == "enum":
            return Pool(rng, [str(rng.choice((0, 1, 2, 3, 8, 64, 100, 404, 512, rng.randint(0, 70000))))
                              for _ in range(rng.randint(1, 6))], 1.5).draw
        if kind == "small":
            top = rng.choice((4, 10, 30, 100))
            return lambda: str(int(draw() * draw() * top))
        if kind == "counter":
            state, step = [rng.randint(0, 10**6)], rng.choice((1, 1, 2, 16, 4096))

            def count():
                state[0] += step
                return str(state[0])
            return count
        if kind == "wide":
            scale = 10 ** rng.uniform(2, 7)
            return lambda: str(int(scale * draw() ** 3))
        if kind == "jitter":
            base = rng.randint(100, 50000)
            return lambda: str(base + int(draw() * 12))
        if kind == "round":
            unit = rng.choice((10, 100, 256, 1024, 4096))
            return lambda: str(unit * int(draw() * 20))
        if kind == "percent":
            return lambda: "%d%%" % int(100 * draw() ** 2)
        digits = rng.choice((1, 2, 3))
        return lambda: "%.*f" % (digits, draw() * 10)

    def duration(self):
        rng = self._rng
        unit = rng.choice(("ms", "ms", "s", "us"))
        scale, draw = 10 ** rng.uniform(1, 3.5), rng.random
        if rng.random() < 0.3:
            return lambda: "%.1f%s" % (scale * draw(), unit)
        return lambda: "%d%s" % (1 + scale * draw() ** 3, unit)

    def source(self, kind):
        """A function without arguments that makes the next value of a slot of this kind."""
        rng = self._rng
        pool = {"user": self.users, "host": self.hosts, "ip": self.ips, "path": self.paths, "word": self.words,
                "version": self.versions, "code": self.codes}.get(kind)
        if pool:
            return pool.draw
        if kind == "number":
            return self.number()
        if kind == "duration":
            return self.duration()
        if kind == "hex":
            width = rng.choice((4, 8, 16))
            fixed = Pool(rng, ["0x%0*x" % (width, rng.getrandbits(4 * width)) for _ in range(rng.choice((5, 60, 400)))])
            return fixed.draw
        if kind == "size":
            unit = rng.choice(("B", "KB", "MB", "KiB", "GiB"))
            return lambda: "%d%s" % (1 + 900 * rng.random() ** 2, unit)
        if kind == "url":
            tails = Pool(rng, ["%s/%s" % (rng.choice(self.domains), "/".join(self._lexicon.invent() for _ in range(rng.randint(1, 3))))
                               for _ in range(10)])
            return lambda: "https://" + tails.draw()
        if kind == "email":
            return lambda: "%s@%s" % (self.users.draw(), self.domains[0])
        if kind == "endpoint":
            ports = Pool(rng, [rng.randint(1024, 65000) for _ in range(rng.choice((1, 3, 200)))])
            return lambda: "%s:%d" % (self.ips.draw(), ports.draw())
        if kind == "id":
            make, seen = id_maker(rng, self._lexicon), []

            def again():
                if seen and rng.random() < 0.7:
                    return rng.choice(seen)
                seen.append(make())
                if len(seen) > 300:
                    del seen[:100]
                return seen[-1]
            return again
        raise ValueError(kind)
