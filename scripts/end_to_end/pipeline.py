"""The main job: events over HTTP and over Kafka, the functions on ministack, rows in topics and over HTTP; through
kills of all that can be killed."""

import pathlib
import signal
import time

import psutil

from processes import Failure, Started, eventually
from rows import (
    Api, Expected, dead_letters, differences, expected_dead, expected_late, in_force, late_events, published, same_counts,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SQL = str(ROOT / "sql")
LATE, DEAD = "weir.late_events", "weir.dead_letters"
# Views over several partitions: nothing is late in them, since what is late then depends on how batches interleave.
SPREAD = ("impressions", "clicks")
PARTITIONS = 3
# Views over one partition: late events and records that fit no table are among theirs.
SINGLE = ("click-stream", "order_events", "product_analytics", "raw_events", "user_clickstream", "user_events")
TABLES = (*SPREAD, *SINGLE)


class Pipeline:
    def __init__(self, weir, broker, cloud, topics, work, seconds):
        self.weir, self.broker, self.cloud, self.work, self.seconds = weir, broker, cloud, work, seconds
        self.topics = topics
        self.pollers, self.killed = [], 0
        broker.create({name: PARTITIONS if name in SPREAD else 1 for name in topics})
        text = (ROOT / "localstack" / "poll.toml").read_text(encoding="utf-8")
        config = work / "poll.toml"
        config.write_text(
            text.replace("redpanda:9092", broker.bootstrap).replace("http://localstack:4566", cloud.endpoint), encoding="utf-8")
        self.poll = [weir, "poll", "--config", str(config), "-v"]
        self.api = Api(cloud.url("serve"))

    def poller(self):
        poller = Started("weir poll", self.poll, self.work / f"poll-{len(self.pollers)}.log").start()
        self.pollers.append(poller)
        return poller

    def simulate(self, name, to, seed, *options):
        duration = ["--duration", f"{self.seconds}s"]
        command = [self.weir, "simulate", "--to", to, "--seed", str(seed), *duration, *options]
        return Started(f"weir simulate ({name})", command, self.work / f"simulate-{name}.log").start()

    def traffic(self):
        """Impressions and clicks over HTTP, visits straight over Kafka."""
        only = lambda topics: [option for topic in topics for option in ("--only", topic)]
        spread = ["--rate", "100", "--late", "0", "--malformed", "0.01", *only(SPREAD)]
        single = ["--rate", "300", "--late", "0.03", "--malformed", "0.01", *only(SINGLE)]
        return [
            self.simulate("http", self.cloud.url("ingest"), 11, *spread),
            self.simulate("kafka", f"kafka://{self.broker.bootstrap}", 12, *single),
        ]

    def retries(self):
        return sum(poller.text().count("failed to deliver a batch") for poller in self.pollers)

    def kill_functions(self, times):
        """Kills `window` where it is at work: an environment that takes CPU time has a batch."""
        for _ in range(times):
            before = self.retries()
            until = time.time() + 30
            while self.retries() == before:
                if time.time() > until:
                    raise Failure("no batch failed although its function was killed")
                for process in self.cloud.processes("window"):
                    self.kill_if_busy(process)
                time.sleep(0.2)

    def kill_if_busy(self, process):
        try:
            spent = process.cpu_times().user
            time.sleep(0.03)
            if process.cpu_times().user > spent:
                process.kill()
                self.killed += 1
        except psutil.Error:
            pass  # It has ended by itself.

    def faults(self):
        """Each while events come, with a pause behind it in which batches go through."""
        pause = self.seconds / 12
        first = self.poller()
        eventually("the first batches", lambda: any(self.broker.committed("weir-window", TABLES).values()))
        time.sleep(pause)
        self.kill_functions(3)
        print(f"   killed: the function window at work, {self.killed} times", flush=True)
        time.sleep(pause)
        first.kill()
        print("   killed: weir poll", flush=True)
        time.sleep(pause)
        second = self.poller()
        time.sleep(pause)
        third = self.poller()
        eventually("two pollers", lambda: self.broker.members("weir-window") == 2)
        time.sleep(pause)
        second.stop(signal.SIGINT)
        print("   a second weir poll came, and the first went", flush=True)
        time.sleep(pause)
        self.broker.process.stop()
        time.sleep(2)
        self.broker.start()
        print("   stopped and started: Kafka", flush=True)
        time.sleep(pause)
        self.broker.process.kill()
        self.broker.start()
        print("   killed and started: Kafka", flush=True)
        third.expect_running()

    def run(self):
        senders = self.traffic()
        self.faults()
        for sender in senders:
            if sender.process.wait(self.seconds + 120):
                raise Failure(f"{sender.name} failed: {sender.tail()}")
            print(f"   {sender.text().splitlines()[-1]}", flush=True)
        eventually("all records to be handled", self.is_handled, seconds=180, pause=1)
        self.check()
        for poller in self.pollers:
            poller.stop(signal.SIGINT)

    def is_handled(self):
        self.pollers[-1].expect_running()
        committed = self.broker.committed("weir-window", TABLES)
        return all(committed[one] == end or end == 0 for one, end in self.broker.ends(TABLES).items())

    def check(self):
        expected = Expected(self.weir, SQL, self.broker, TABLES, self.work)
        views = self.api.get("views")
        keys = {view["name"]: [key["name"] for key in view["keys"]] for view in views}
        rows = in_force(expected.rows, keys)
        if any(line["view"] == "ctr" for line in expected.late):
            raise Failure("an event of several partitions is late, so rows depend on how batches interleave")
        results = sorted({view.get("topic") or "weir.alerts" for view in views if view.get("topic") or view.get("alert")})
        names = {view["name"] for view in views if view.get("topic") or view.get("alert")}
        of_topics = {identity: row for identity, row in rows.items() if identity[0] in names}

        def swept():
            self.cloud.invoke("sweep", {})
            given = published(self.broker, results)
            self.revised = sum(row["revision"] > 0 for row in given)
            self.difference = differences(of_topics, in_force(given, keys))
            return not self.difference

        try:
            eventually("the rows", swept, seconds=150, pause=4)
        except Failure as failure:
            raise Failure(f"{failure}\nthe rows of the topics differ from those of weir run:\n{self.difference}") from None
        print(f"ok: the result topics have the rows of weir run, row for row: {len(of_topics)} of {len(names)} views", flush=True)
        told = in_force([row for view in views for row in self.api.rows(view)], keys)
        if different := differences(rows, told):
            raise Failure(f"the rows over HTTP differ from those of weir run:\n{different}")
        print(f"ok: so has the function serve over HTTP: {len(told)} of {len(views)} views", flush=True)
        late = same_counts("late events", expected_late(expected.late), late_events(self.broker, LATE))
        dead = same_counts("dead letters", expected_dead(expected.dead), dead_letters(self.broker, DEAD))
        print(f"ok: late events ({late}) and dead letters ({dead}) are the same; {self.revised} rows were revised", flush=True)
