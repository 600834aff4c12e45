"""Word banks and invented words. All choices come from the caller's random.Random."""

# Participles; questions and log lines share them, so each is regular enough to be stemmed.
VERBS = """accepted acquired adjusted allocated amended announced appended applied approved archived armed arranged
assembled attached audited awaited balanced banished batched bonded booked borrowed bounced branched bridged bundled
cached calibrated cancelled captured cataloged chained charged checked claimed cleared cloned collated collected
combined compacted composed compressed computed concluded condemned confirmed converted copied corrected credited
curated debited decoded deferred delegated delivered demoted derived detached diverted docked drafted drained dropped
duplicated elected emptied enabled encoded endorsed enlisted enqueued enriched evaluated evicted examined exceeded
exchanged expanded expired exported extended extracted fetched filtered finalized flagged flushed forwarded freed
frozen gathered granted grouped handled harvested hashed hoisted honored imported indexed inflated inspected installed
invoked issued joined journaled justified labeled launched layered leased linked loaded located locked measured merged
migrated mirrored modified mounted moved mustered narrowed negotiated notified observed opened ordered orphaned packed
paired parked parsed paused pinned placed planned polled posted primed probed processed promoted provisioned pruned
published pulled pushed quarantined queried queued quoted raised rebuilt recalled received reclaimed reconciled
recorded recovered redeemed refilled refreshed registered rejoined relayed released removed renewed repaired replayed
requested rescued reserved resized resolved restored resumed retired returned revised revoked rotated routed sampled
scanned scheduled sealed secured selected settled shared shifted shipped signed skipped snapshotted sorted spawned
split spooled staged stored submitted subscribed suspended swapped synced tagged tallied throttled toggled traced
tracked trained transferred transformed trimmed triggered tuned unlocked updated upgraded uploaded validated verified
visited warmed watched weighed widened withdrawn wrapped written yielded zeroed""".split()
FAILURES = """aborted rejected denied failed crashed refused corrupted timedout stalled invalidated overrun
mismatched unreachable interrupted exhausted blocked disconnected dismissed overdue vetoed""".split()

NOUNS = """account adapter agent alarm anchor archive array artifact asset auction backlog badge balance barrier batch
beacon bin bitmap block booking bridge broker bucket buffer bundle bus cabinet cache calendar cargo carrier carton
catalog cell chain channel chart chunk circuit claim cluster codec column conduit contract convoy cursor cycle
dataset deck delta depot digest dock domain draft drain drum elevator engine envelope epoch exporter fabric feed fence
fiber field filter flag fleet flow folder forecast frame furnace gateway gauge grain grid handle handler harbor header
heap hook hopper index intake invoice island journal kernel keyring kiln label lane latch layer leader ledger lens
lever lobby locker loop manifest mapper marker mast matrix member mesh meter mirror mixer module monitor mosaic nozzle
nursery object offer orchard order outlet packet page palette panel parcel partition payload permit piston pipeline
plan planner plot policy pool portal prefix printer probe profile pulley pump quota rack rail reactor reader receipt
reel region register relay replica report reservoir resolver ring roster rotor route rule runner sample schema
scope segment sensor sequence shaft shard shelf shipment signal silo sink slice slot socket spindle spool stage
station stencil stock store strip subnet switch table tag tank tape tariff task tenant terminal thread ticket tile
timer token topic tower tracker trailer transit tray tree trigger trunk tunnel turbine unit valve vault vector vessel
viewer volume voucher wagon watcher wave wheel window worker yard zone""".split()
ADJECTIVES = """active adaptive ancient backup bare blue borderline bulk central cold common critical default deferred
deep dirty double dry early eager empty external fast final foreign full global green heavy hidden hot idle inner
internal large late lazy legacy light local long lost main manual minor mutable narrow native new nightly old open
optional outer parallel partial passive pending primary private public quick quiet rare raw ready remote rough
secondary shadow shallow shared short silent simple slow small soft spare stable stale static sticky strict sudden
temporary tight tiny total upper urgent vacant virtual weak wide wild""".split()
PLAIN_VERBS = """adopt adjust advise align allow analyse answer assign avoid begin build call carry change choose clean
close commit compare connect consume continue control cover create cut decide define delete deploy detect discard
discover dispatch draw drive emit enter escape estimate execute explain fall feed fill find finish fix follow force
forget gain generate give grow guess hold identify ignore improve include increase inform initialise insert jump keep
learn leave lift limit list listen look lower make mark match mend meet mix need note offer operate own pass pick play
prepare prevent print produce propose prove quit reach read redo reduce reject release rely remember rename render
repeat replace reply report rescan reset resist respond restart retry reverse rewind roll run save seek send serve set
show shrink shut sleep solve spin stop stretch study supply support switch take tell test throw touch travel treat try
turn undo use visit wait walk wash watch wipe wish work write""".split()
STATES = """ready running idle waiting done degraded offline online draining paused stopped starting unknown healthy
unhealthy full empty stable syncing locked open closed half-open standby leader follower joining leaving dirty
clean warm cold frozen""".split()
REASONS = """disk_full quota_exceeded bad_signature lease_lost clock_drift peer_gone stale_epoch no_route
buffer_overrun cert_expired checksum_mismatch config_error dns_failure fan_fault heartbeat_missed io_error
key_missing link_down loop_detected memory_low name_conflict not_leader out_of_space overload parse_error
permission_missing pool_empty power_loss process_killed proxy_down rate_limited schema_mismatch slow_consumer
socket_closed split_brain temperature_high token_invalid unknown_peer version_skew voltage_drop worker_lost
wrong_region zone_isolated thread_starved queue_full cache_cold upstream_reset""".split()
METRICS = """count size depth lag rate ratio load pending hits misses retries errors used free total bytes items rows
age wait busy latency elapsed offset usage limit backlog inflight dropped sent received""".split()
TEAMS = """atlas birch cobalt dune ember falcon granite heron indigo juniper krill lagoon maple nimbus onyx petrel
quartz raven saffron tundra umber violet willow xenon yarrow zephyr""".split()


def team_value(rng):
    """What the facts of the recall probe tell: "heron-212"."""
    return "%s-%d" % (rng.choice(TEAMS), rng.randint(1, 400))


_ONSETS = "b br c ch d dr f fl g gl gr h j k kl kr l m n p pl pr qu r s sh sk st t th tr v w z zh".split()
_VOWELS = "a a e e i o u".split()
_DIPHTHONGS = "ai au ea ei ia io oa ou y".split()
_CODAS = ["", "", "", "", "l", "m", "n", "r", "s", "t", "k", "x", "nd", "rn", "lt", "sk"]


class Inventor:
    """Invents words with one world's sound: a few onsets, nuclei and codas, never the same word twice."""

    def __init__(self, rng, taken):
        self._rng = rng
        self._taken = taken
        self._onsets = rng.sample(_ONSETS, rng.randint(8, 16))
        self._nuclei = rng.sample(_VOWELS, rng.randint(4, 7)) + rng.sample(_DIPHTHONGS, rng.randint(0, 2))
        self._codas = rng.sample(_CODAS, rng.randint(4, 9))

    def word(self, syllables=None):
        rng = self._rng
        for attempt in range(1000):
            count = (syllables or rng.choice((1, 2, 2, 2, 3))) + attempt // 20
            parts = [rng.choice(self._onsets) + rng.choice(self._nuclei) for _ in range(count)]
            word = "".join(parts) + rng.choice(self._codas)
            if len(word) >= 4 and word not in self._taken:
                self._taken.add(word)
                return word
        raise RuntimeError("no new word found")


class Lexicon:
    """The words of one world. Anchors (words that questions select by) are never used elsewhere.

    `fixed`: words that stand in every world's lines, so that they can be no anchors.
    """

    def __init__(self, rng, fixed=()):
        self._rng = rng
        self._fixed = {word[:4].lower() for word in fixed}
        self._heads = set()  # the first four letters of anchors: forms of a word share them
        self._taken = set(VERBS) | set(NOUNS) | set(ADJECTIVES) | set(PLAIN_VERBS) | set(STATES)
        self._invent = Inventor(rng, self._taken)
        self._nouns = rng.sample(NOUNS, 110)
        self._verbs = rng.sample(VERBS, 130)
        self._failures = rng.sample(FAILURES, len(FAILURES))
        self._adjectives = rng.sample(ADJECTIVES, 40)
        self._plain = rng.sample(PLAIN_VERBS, 70)
        self.chatter_nouns = self.chatter_verbs = ()

    def _anchor(self, bank):
        while bank:
            word = bank.pop()
            if word[:4] not in self._heads and word[:4] not in self._fixed:
                self._heads.add(word[:4])
                return word
        word = self.invent()
        self._heads.add(word[:4])
        return word

    def anchor_noun(self):
        return self._anchor([] if self._rng.random() < 0.4 else self._nouns)

    def anchor_verb(self):
        return self._anchor(self._verbs)

    def anchor_failure(self):
        return self._anchor(self._failures)

    def invent(self, syllables=None):
        """A new word that is no form of an anchor."""
        for _ in range(1000):
            word = self._invent.word(syllables)
            if word[:4] not in self._heads and word[:4] not in self._fixed:
                return word
        raise RuntimeError("no new word found")

    def settle(self):
        """Ends the choice of anchors; the rest of the banks is for background messages."""
        def free(bank):
            return [word for word in bank if word[:4] not in self._heads]

        self.chatter_nouns = free(self._nouns) + [self.invent() for _ in range(self._rng.randint(3, 25))]
        self.chatter_verbs = free(self._verbs)
        self.plain_verbs = free(self._plain)
        self.adjectives = free(self._adjectives)
        self.states = free(STATES)
        self.metrics = free(METRICS)
        self.reasons = [reason for reason in REASONS if not any(part[:4] in self._heads for part in reason.split("_"))]
