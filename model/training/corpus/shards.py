"""Shards: documents one after another in files of limited size, with the end of each document beside them."""

import hashlib


def rank(name):
    """A fixed shuffle: taking documents by rank until a cap is full is a fair sample, the same everywhere."""
    return hashlib.sha256(name.encode()).digest()


class Shards:
    """Writes NAME-000.txt (documents, back to back) and NAME-000.ends (offset of each document's end, a line each)."""

    def __init__(self, folder, shard_bytes):
        self._folder, self._limit = folder, shard_bytes
        self.entries = []

    def write(self, name, documents, cap, **notes):
        """Writes documents (bytes) until `cap`; the last is cut at a line end. Returns the bytes written."""
        total, number, pending, size = 0, 0, [], 0
        for data in documents:
            full = total + len(data) >= cap
            if full:
                data = data[:data.rfind(b"\n", 0, cap - total) + 1] if total + len(data) > cap else data
            if data:
                pending.append(data)
                size += len(data)
                total += len(data)
            if size >= self._limit:
                self._flush(name, number, pending, notes)
                pending, size, number = [], 0, number + 1
            if full:
                break
        if pending:
            self._flush(name, number, pending, notes)
        return total

    def _flush(self, name, number, documents, notes):
        file = "%s-%03d.txt" % (name, number)
        digest, ends, at = hashlib.sha256(), [], 0
        with open(self._folder / file, "wb") as out:
            for data in documents:
                out.write(data)
                digest.update(data)
                at += len(data)
                ends.append(at)
        (self._folder / file).with_suffix(".ends").write_text("".join("%d\n" % end for end in ends))
        self.entries.append({"file": file, "bytes": at, "documents": len(ends), "sha256": digest.hexdigest(), **notes})
