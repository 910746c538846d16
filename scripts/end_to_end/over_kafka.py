"""The main job on Apache Kafka: events over HTTP and over Kafka, the functions on ministack, rows in topics and over HTTP; through
kills of all that can be killed."""

import signal
import subprocess
import time

from pipeline import ROOT, SQL, Pipeline
from processes import Started, eventually

# Nothing is late in these.
SPREAD = ("impressions", "clicks")
PARTITIONS = 3
# Views over one partition: late events and records that fit no table are among theirs.
SINGLE = ("click-stream", "order_events", "product_analytics", "raw_events", "user_clickstream", "user_events")
TABLES = (*SPREAD, *SINGLE)


class KafkaPipeline(Pipeline):
    def __init__(self, weir, broker, cloud, work, seconds):
        super().__init__(weir, broker, cloud, work, TABLES, spread=("ctr",))
        self.seconds, self.pollers = seconds, []
        # What is there already is left as it is.
        self.make_topics(f"{SQL}/ctr.sql", PARTITIONS)
        self.make_topics(SQL, 1)
        text = (ROOT / "localstack" / "poll.toml").read_text(encoding="utf-8")
        config = work / "poll.toml"
        config.write_text(
            text.replace("redpanda:9092", broker.bootstrap).replace("http://localstack:4566", cloud.endpoint), encoding="utf-8")
        self.poll = [weir, "poll", "--config", str(config), "-v"]

    def make_topics(self, sql, partitions):
        command = [self.weir, "topics", "--create", "--sql", sql, "--partitions", str(partitions)]
        subprocess.run([*command, "--brokers", self.broker.bootstrap], check=True, stdout=subprocess.DEVNULL)

    def poller(self):
        poller = Started("weir poll", self.poll, self.work / f"poll-{len(self.pollers)}.log").start()
        self.pollers.append(poller)
        return poller

    def traffic(self):
        """Impressions and clicks over HTTP, visits straight over Kafka."""
        spread = ["--rate", "100", "--late", "0", "--malformed", "0.01"]
        single = ["--rate", "300", "--late", "0.03", "--malformed", "0.01"]
        return [
            self.simulate("http", self.cloud.url("ingest"), SPREAD, 11, self.seconds, *spread),
            self.simulate("kafka", f"kafka://{self.broker.bootstrap}", SINGLE, 12, self.seconds, *single),
        ]

    def failures(self):
        return sum(poller.text().count("failed to deliver a batch") for poller in self.pollers)

    def faults(self):
        """Each while events come, with a pause behind it in which batches go through."""
        pause = self.seconds / 12
        first = self.poller()
        eventually("the first batches", lambda: any(self.broker.committed("weir-window", TABLES).values()))
        time.sleep(pause)
        self.kill_functions(3)
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
            self.expect_sent(sender, self.seconds + 120)
        eventually("all records to be handled", self.is_handled, seconds=180, pause=1)
        self.check()
        for poller in self.pollers:
            poller.stop(signal.SIGINT)

    def is_handled(self):
        self.pollers[-1].expect_running()
        committed = self.broker.committed("weir-window", TABLES)
        return all(committed[one] == end or end == 0 for one, end in self.broker.ends(TABLES).items())
