"""What `weir run` makes of the records of the topics, and what came of them here: row for row."""

import collections
import heapq
import json
import math
import subprocess
import urllib.parse
import urllib.request

from processes import Failure

# Told by the API beside the row; how often a window fired depends on how batches were cut.
BESIDE = ("final", "revision")
# The record that a row is of.
ORIGIN = "source_record"


class Expected:
    """The outcome of `weir run` on what the broker holds."""

    def __init__(self, weir, sql, broker, topics, work, views=()):
        inputs, places = [], {}
        for topic in topics:
            # Of several partitions in the order in which they were written. After an outage many are written in one
            # millisecond, which must not put the last of one partition before the first of the other.
            partitions = collections.defaultdict(list)
            for record in broker.read(topic):
                partitions[record.partition()].append(record)
            merged = list(heapq.merge(*partitions.values(), key=lambda record: (record.timestamp()[1], happened(record))))
            places |= {f"{topic}-0@{line}": f"{topic}-{one.partition()}@{one.offset()}" for line, one in enumerate(merged)}
            lines = [record.value() for record in merged]
            if any(b"\n" in line for line in lines):
                raise Failure(f"{topic} has a record with a line break, which is no line of a file")
            path = work / f"{topic}.ndjson"
            path.write_bytes(b"".join(line + b"\n" for line in lines))
            inputs.append(f"--input={topic}={path}")
        files = {name: work / f"run-{name}.ndjson" for name in ("output", "late", "dead")}
        command = [weir, "run", "--sql", sql, *inputs, *(f"--{name}={path}" for name, path in files.items())]
        subprocess.run([*command, *(f"--view={view}" for view in views)], check=True)
        self.rows, self.late, self.dead = (list(map(json.loads, path.open())) for path in files.values())
        # What alerts' ids are made of, too.
        origins = [row for row in self.rows if ORIGIN in row]
        self.beside = BESIDE if all(places[row[ORIGIN]] == row[ORIGIN] for row in origins) else (*BESIDE, "id")
        for row in origins:
            row[ORIGIN] = places[row[ORIGIN]]


def happened(record):
    """The time of an event; of what is none the first that there is."""
    try:
        at = json.loads(record.value())["ts"]
    except (ValueError, KeyError, TypeError):
        at = None
    return at if isinstance(at, int) else 0


def in_force(rows, keys, beside=BESIDE):
    """Of each view, key and window the row that fired last."""
    last = {}
    for row in rows:
        identity = identity_of(row, keys[row["view"]])
        known = last.get(identity)
        if known is None or known["revision"] <= row["revision"]:
            last[identity] = row
    return {identity: {name: value for name, value in row.items() if name not in beside} for identity, row in last.items()}


def identity_of(row, keys):
    if ORIGIN in row:
        return row["view"], row[ORIGIN], row["window_start"], row["window_end"]
    if "id" in row:
        return row["view"], row["id"]
    return (row["view"], *(json.dumps(row.get(name)) for name in (*keys, "window_start", "window_end")))


def same(one, other):
    """Sums of DOUBLE depend on their order in the last digits."""
    if isinstance(one, float) or isinstance(other, float):
        numbers = all(isinstance(value, (int, float)) for value in (one, other))
        return numbers and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def differences(expected, found, most=5):
    """What differs between two sets of rows by identity, for people."""
    told = [f"missing   {expected[identity]}" for identity in expected.keys() - found.keys()]
    told += [f"too much  {found[identity]}" for identity in found.keys() - expected.keys()]
    for identity in expected.keys() & found.keys():
        if not same(expected[identity], found[identity]):
            told.append(f"expected  {expected[identity]}\nfound     {found[identity]}")
    more = [f"and {len(told) - most} more"] if len(told) > most else []
    return "\n".join(sorted(told)[:most] + more)


class Api:
    """The `serve` function."""

    def __init__(self, url):
        self.url = url

    def get(self, path, **query):
        """All pages of a list, or what is no list."""
        parameters, whole = f"?{urllib.parse.urlencode(query)}" if query else "", []
        while True:
            with urllib.request.urlopen(f"{self.url}/{path}{parameters}", timeout=90) as answer:
                found, link = json.load(answer), answer.headers.get("link")
            if not isinstance(found, list):
                return found
            whole += found
            if not link:
                return whole
            parameters = link.split(">")[0].lstrip("<")

    def rows(self, view):
        """All rows that are kept of a view."""
        if view.get("alert"):
            return self.get("alerts", view=view["name"], limit=10000)
        if view["window"]["kind"] == "none":
            return self.get(f"{view['name']}/latest")
        return self.get(f"{view['name']}/windows", limit=10000)


def published(broker, topics):
    """The rows of the result topics."""
    return [json.loads(record.value()) for topic in topics for record in broker.read(topic)]


def headers(record):
    return {name: value.decode() for name, value in record.headers() or []}


def late_events(broker, topic):
    """Each late event once: its view, the watermark that it met, and what it is."""
    found = {}
    for record in broker.read(topic):
        said = headers(record)
        origin = tuple(said[f"weir.{name}"] for name in ("topic", "partition", "offset", "view"))
        found[origin] = (said["weir.view"], int(said["weir.watermark"]), canonical(record.value()))
    return collections.Counter(found.values())


def expected_late(lines):
    def one(line):
        view, watermark = line.pop("view"), line.pop("watermark")
        text = line["text"] if set(line) == {"text"} else json.dumps(line)
        return view, watermark, canonical(text)

    return collections.Counter(one(dict(line)) for line in lines)


def dead_letters(broker, topic):
    """Each dead letter once: its topic, the reason, and what it is."""
    found = {}
    for record in broker.read(topic):
        said = headers(record)
        origin = tuple(said[f"weir.{name}"] for name in ("topic", "partition", "offset"))
        found[origin] = (said["weir.topic"], said["weir.reason"], record.value().decode(errors="replace"))
    return collections.Counter(found.values())


def expected_dead(lines):
    return collections.Counter((line["topic"], line["reason"], line["value"]) for line in lines)


def canonical(text):
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text.decode() if isinstance(text, bytes) else text


def same_counts(what, expected, found):
    if expected != found:
        missing, extra = list((expected - found).items())[:3], list((found - expected).items())[:3]
        raise Failure(f"{what} differ: {sum(expected.values())} expected, {sum(found.values())} found;\n"
                      f"missing {missing}\ntoo much {extra}")
    return sum(expected.values())
