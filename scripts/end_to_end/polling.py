"""`weir poll` on Apache Kafka, with a function that remembers its calls: where it begins, what it commits, what
transactions hide, and how a group shares its partitions."""

import itertools
import signal
import threading
import time

from confluent_kafka import Producer

from processes import Failure, Started, eventually
from recorder import Recorder

GROUP_SETTLES = 40


class Polling:
    def __init__(self, weir, broker, work):
        self.weir, self.broker, self.work, self.recorder = weir, broker, work, Recorder()

    def poller(self, name, function, topics, **settings):
        def toml(value):
            return str(value).lower() if isinstance(value, (bool, int)) else f'"{value}"'

        lines = [f"{key} = {toml(value)}" for key, value in settings.items()]
        names = ", ".join(f'"{topic}"' for topic in topics)
        path = self.work / f"{name}.toml"
        path.write_text("\n".join([
            "[kafka]", f'"bootstrap.servers" = "{self.broker.bootstrap}"', "[lambda]",
            f'endpoint = "{self.recorder.endpoint}"', "[[mapping]]", f'function = "{function}"', f"topics = [{names}]",
            'batch_window = "100 milliseconds"', *lines,
        ]) + "\n", encoding="utf-8")
        command = [self.weir, "poll", "--config", str(path), "-v"]
        return Started(f"weir poll ({name})", command, self.work / f"{name}.log").start()

    def producer(self, **settings):
        return Producer(self.broker.client() | {"linger.ms": 5} | settings)

    def write(self, topic, records, **settings):
        """Records as (partition, timestamp or 0, value)."""
        producer, failed = self.producer(**settings), []
        for partition, at, value in records:
            producer.produce(topic, value, partition=partition, timestamp=at, on_delivery=lambda error, _: error and failed.append(error))
        if producer.flush(30) or failed:
            raise Failure(f"{topic} was not written: {failed[:1]}")

    def values(self, function):
        return [record[3] for record in self.recorder.records(function)]

    def eventually_values(self, function, expected):
        """The function gets these, no more, each once, whatever the order of partitions."""
        wanted = sorted(expected)
        try:
            eventually("", lambda: sorted(self.values(function)) == wanted, seconds=40)
        except Failure:
            raise Failure(f"{function} was to get {wanted[:5]}..., {len(wanted)} in all, and got "
                          f"{sorted(self.values(function))[:5]}..., {len(self.values(function))} in all") from None

    def starting_positions(self):
        """A time of which only some partitions have records; the newest; then the same group goes on."""
        now = int(time.time() * 1000)
        hours = [now - hour * 3_600_000 for hour in (3, 2, 1)]
        self.broker.create({"times": 3})
        self.write("times", [(0, at, f"p0-{index}") for index, at in enumerate(hours)])
        self.write("times", [(1, hours[0], "p1-old")])
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hours[1] / 1000 - 60))
        by_time = self.poller(
            "at-timestamp", "by-time", ["times"], starting_position="AT_TIMESTAMP", starting_position_timestamp=at)
        latest = self.poller("latest", "latest", ["times"], starting_position="LATEST")
        self.eventually_values("by-time", ["p0-1", "p0-2"])
        eventually("the group", lambda: self.broker.members("latest"), GROUP_SETTLES)
        # The group has no offsets by then: it begins where the topic ended when it was assigned its partitions.
        eventually("its partitions", lambda: "partitions assigned" in latest.text(), GROUP_SETTLES)
        time.sleep(2)
        self.write("times", [(index, now, f"p{index}-new") for index in range(3)])
        new = [f"p{index}-new" for index in range(3)]
        self.eventually_values("by-time", ["p0-1", "p0-2", *new])
        self.eventually_values("latest", new)
        for poller in (by_time, latest):
            poller.stop()
        self.write("times", [(0, now, "p0-more")])
        again = self.poller("at-timestamp", "by-time", ["times"], starting_position="AT_TIMESTAMP", starting_position_timestamp=at)
        self.eventually_values("by-time", ["p0-1", "p0-2", *new, "p0-more"])
        again.stop()
        return "AT_TIMESTAMP begins at the first record of the time, and behind the last where there is none"

    def transactions(self):
        """What was aborted is not handed on; the marks of transactions are no records."""
        self.broker.create({"transactions": 1})
        producer = self.producer(**{"transactional.id": "end-to-end"})
        producer.init_transactions(30)
        for number, ends in enumerate(["commit", "abort", "commit", "abort"]):
            producer.begin_transaction()
            for index in range(10):
                producer.produce("transactions", f"{ends}-{number}-{index}", partition=0)
            producer.commit_transaction(30) if ends == "commit" else producer.abort_transaction(30)
        poller = self.poller("transactions", "transactions", ["transactions"])
        self.eventually_values("transactions", [f"commit-{number}-{index}" for number in (0, 2) for index in range(10)])
        poller.stop()
        return "aborted records are not handed on"

    def commits(self):
        """Offsets are committed for what was handled, and for nothing else."""
        self.broker.create({"commits": 1})
        self.write("commits", [(0, 0, str(number)) for number in range(10)])
        self.recorder.refusals = 3
        poller = self.poller("commits", "commits", ["commits"], batch_size=10)
        self.eventually_values("commits", map(str, range(10)))
        committed = lambda: self.broker.committed("commits", ["commits"])["commits", 0]
        eventually("the commit", lambda: committed() == 10)
        hold = self.recorder.hold = threading.Event()
        self.write("commits", [(0, 0, str(number)) for number in range(10, 20)])
        eventually("the call", lambda: ("commits", "commits-0") in self.recorder.busy)
        poller.kill()
        if committed() != 10:
            raise Failure(f"{committed()} is committed, and the function was still at work from 10 on")
        hold.set()
        eventually("the end of the call", lambda: not self.recorder.busy)
        self.recorder.hold = None
        again = self.poller("commits", "commits", ["commits"], batch_size=10)
        # Twice what the killed one had handed on.
        self.eventually_values("commits", [*map(str, range(20)), *map(str, range(10, 20))])
        again.stop()
        if committed() != 20:
            raise Failure(f"{committed()} is committed after all 20 records were handled")
        return "a batch that fails comes again, and one whose poller was killed; only what was handled is committed"

    def rebalances(self):
        """A second poller joins and leaves under load: each record once, in order, never two calls at once."""
        self.broker.create({"shared": 4})
        stop, written = threading.Event(), [0] * 4

        def load():
            producer = self.producer()
            while not stop.is_set():
                for partition in range(4):
                    producer.produce("shared", str(written[partition]), partition=partition)
                    written[partition] += 1
                producer.poll(0)
                time.sleep(0.005)
            producer.flush(30)

        thread = threading.Thread(target=load)
        thread.start()
        try:
            first = self.poller("shared-1", "shared", ["shared"], batch_size=50)
            eventually("calls", lambda: len(self.recorder.records("shared")) > 200, GROUP_SETTLES)
            second = self.poller("shared-2", "shared", ["shared"], batch_size=50)
            eventually("two members", lambda: self.broker.members("shared") == 2, GROUP_SETTLES)
            eventually("partitions of the second", lambda: "partitions assigned" in second.text(), GROUP_SETTLES)
            time.sleep(3)
            second.stop(signal.SIGINT)
            eventually("one member", lambda: self.broker.members("shared") == 1, GROUP_SETTLES)
            time.sleep(3)
        finally:
            stop.set()
            thread.join()
        total = sum(written)
        eventually("all records", lambda: len(self.recorder.records("shared")) >= total)
        first.stop()
        offsets = [[] for _ in range(4)]
        for _, partition, offset, _ in self.recorder.records("shared"):
            offsets[partition].append(offset)
        for partition, found in enumerate(offsets):
            if found != list(range(written[partition])):
                breaks = [(one, other) for one, other in itertools.pairwise(found) if other != one + 1]
                raise Failure(f"partition {partition}: {len(found)} of {written[partition]} records, out of order at {breaks[:5]}")
        if self.recorder.overlaps:
            raise Failure(f"{self.recorder.overlaps} calls had a partition that another call had at that time")
        return f"{total} records once and in order while a second poller came and left"

    def all(self):
        for check in (self.starting_positions, self.transactions, self.commits, self.rebalances):
            print(f"ok: {check()}", flush=True)
        self.recorder.stop()
