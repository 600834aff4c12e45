#!/usr/bin/env python3
"""Write the inputs whose reference answers record_golden.py records: invented text only, seeded.

    make_golden_inputs.py FOLDER     writes tokenizer_torture.txt and stream.log there

Standard library only; the same files on every run. Cases in tokenizer_torture.txt are valid UTF-8 and each
ends with the byte 0x1E, which occurs nowhere else.
"""
import pathlib
import random
import sys

END = "\x1e"
HOSTS = ["web-03", "db1.prod.example", "edge-fra-7", "cache02", "ingest-a", "node-17.rack4", "bastion"]
USERS = ["alice", "bob", "root", "deploy", "svc-backup", "Zoë", "olga_k", "nagios"]
WORDS = ["quota", "segment", "replica", "certificate", "mount", "heartbeat", "checkpoint", "tenant", "gateway",
         "shard", "lease", "journal", "compaction", "handshake", "interface", "sensor", "watchdog", "queue"]
LEVELS = ["INFO", "WARN", "ERROR", "DEBUG", "info", "warning", "crit"]
SPACES = ("\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
          "\u2028\u2029\u202f\u205f\u3000")
NOT_SPACES = "\u180e\u200b\u200c\u200d\u2060\ufeff\x1c\x1d\x1f\x00"
SCRIPTS = ["русский журнал ошибок", "Ελληνικά αρχεία", "系统日志错误连接超时", "ログを読み込み中です", "로그 파일 오류",
           "سجل النظام ٣٤٥", "בדיקה", "ไม่พบไฟล์", "हिन्दी त्रुटि १२३", "தமிழ்", "ქართული", "ⰀⰁⰂ", "𐐀𐐁𐐂", "𝔘𝔫𝔦"]
COMBINING = ["e\u0301", "n\u0303o", "a\u0308\u0304", "Z\u0351\u036b\u0343algo", "क्षि", "\u0301lone", "q\u20dd"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇫🇷🇩🇪", "❤️", "🏳️‍🌈", "1️⃣", "☃", "⚠️ disk", "✅done", "🧑🏿‍🚀"]
NUMBERS = ["١٢٣٤", "१२३४५", "Ⅷ", "½", "²³", "①②③④", "㊿", "𝟘𝟙𝟚𝟛", "৭৮", "一二三", "0x1F", "1e-5", "3.14159", "10.0.0.1"]
MARKS = ["=" * 80, "-" * 33, "->", "::", "...", "/*", "*/", "##", "!!", "?!", "<s>", "</s>", "%%", "—–", "“x”", "€5", "°C"]


def log_line(r, t):
    host, user, word = r.choice(HOSTS), r.choice(USERS), r.choice(WORDS)
    ip = ".".join(str(r.randrange(256)) for _ in range(4))
    stamp = f"2031-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}T{t // 3600 % 24:02}:{t // 60 % 60:02}:{t % 60:02}"
    return r.choice([
        f"{stamp}.{r.randrange(1000):03}Z {host} {word}d[{r.randrange(200, 99999)}]: {r.choice(LEVELS)} {word} "
        f"{r.randrange(10**6)} took {r.randrange(1, 9000)} ms (limit {r.choice([100, 250, 1000])} ms)",
        f"Mar {r.randrange(1, 29):2} {t // 3600 % 24:02}:{t // 60 % 60:02}:{t % 60:02} {host} sshd[{r.randrange(9999)}]: "
        f"Failed password for {r.choice(['', 'invalid user '])}{user} from {ip} port {r.randrange(1024, 65536)} ssh2",
        f"{ip} - {user} [{r.randrange(1, 29):02}/Feb/2031:10:{t % 60:02}:00 +0000] \"GET /api/v{r.randrange(1, 4)}/{word}s/"
        f"{r.getrandbits(40):x}?limit={r.randrange(500)} HTTP/1.1\" {r.choice([200, 204, 404, 500, 503])} {r.randrange(10**5)}",
        f"[{t}.{r.randrange(10**6):06}] {word}: {r.choice(['probe', 'link', 'reset'])} of {r.getrandbits(16):04x}:"
        f"{r.getrandbits(8):02x}:{r.getrandbits(5):02x}.{r.randrange(8)} failed with error -{r.randrange(1, 130)}",
        f'{{"ts":{1930000000 + t},"level":"{r.choice(LEVELS)}","host":"{host}","msg":"{word} lost","id":"{r.getrandbits(64):016x}"}}',
        f"{r.choice(LEVELS)}  com.example.{word}.{word.title()}Service - retry {r.randrange(1, 9)}/8 for user={user}, "
        f"cause=java.net.SocketTimeoutException: {ip}:{r.choice([443, 5432, 9092])}",
        f"\tat com.example.{word}.{word.title()}.run({word.title()}.java:{r.randrange(10, 999)})",
    ])


def valid_code_point(r):
    while True:
        c = r.choice([r.randrange(0x80), r.randrange(0x3000), r.randrange(0x10000), r.randrange(0x110000)])
        if not 0xD800 <= c < 0xE000 and c != 0x1E:
            return chr(c)


def torture(r):
    for text in [*SPACES, *NOT_SPACES, *SCRIPTS, *COMBINING, *EMOJI, *NUMBERS, *MARKS]:
        yield text
        yield f"a {text}b"
        yield f" {text} {text}{text}  {text}\n"
    for c in [*range(0x1E), 0x1F, *range(0x7F, 0xA0)]:
        yield f"x{chr(c)}y {chr(c)}{chr(c)} 1{chr(c)}2"
    for n in [*range(1, 13), 16, 31, 32, 33, 64, 100]:
        yield "7" * n
        yield "".join(r.choice("0123456789") for _ in range(n))
        yield " " * n + "x"
        yield "x" + " " * n + "!" + "\t" * n
        yield "\r\n" * n
        yield "ab" + "=" * n
    for n in (120, 126, 127, 128, 129, 130, 200, 400):
        yield "".join(r.choice("etaoinshrdlucmfwyp") for _ in range(n))
        yield "".join(r.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(n))
        yield "".join(r.choice("=-_./:;,|#*+<>()[]{}") for _ in range(n))
        yield "error" * (n // 5)
    for i in range(330):
        yield "".join(log_line(r, 7 * i + k) + r.choice(["\n", "\r\n", "\n\n", ""]) for k in range(r.randrange(1, 3)))
    for _ in range(250):
        yield "".join(valid_code_point(r) for _ in range(r.randrange(1, 30)))
    parts = [*SCRIPTS, *COMBINING, *EMOJI, *NUMBERS, *MARKS, *WORDS, *SPACES, *USERS]
    for _ in range(200):
        yield "".join(r.choice(parts) + r.choice(["", " ", "  ", "-"]) for _ in range(r.randrange(2, 9)))


def stream(r):
    """Lines of one service's log, with repetition to learn from: a bit over 1,024 tokens."""
    lines, t = [], 41000
    for _ in range(36):
        t += r.randrange(1, 40)
        lines.append(log_line(r, t))
    return "\n".join(lines) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = list(torture(random.Random(20)))
    assert all(END not in c for c in cases)
    (folder / "tokenizer_torture.txt").write_bytes("".join(c + END for c in cases).encode())
    (folder / "stream.log").write_bytes(stream(random.Random(21)).encode())
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
