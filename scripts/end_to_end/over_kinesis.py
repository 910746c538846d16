"""The main job on Kinesis: events over HTTP and straight into streams, the functions on ministack behind its event source mappings,
rows in streams and over HTTP; through kills of functions, splits and merges of shards, and mappings that are made anew."""

import collections
import concurrent.futures
import json
import re
import subprocess
import time

from pipeline import SQL, Pipeline
from processes import Failure, eventually

# Views with windows on a grid, and with rows so far, go on where shards are split and merged. Of four shards one stays.
RESHARDED = {"impressions": 4, "clicks": 4, "click-stream": 4, "user_clickstream": 4}
# Others end what they keep by key and shard: frames and patterns here.
KEPT = {"order_events": 2, "product_analytics": 2}
# With late events, and with events that are put together, whose order is known of one shard alone.
SINGLE = {"raw_events": 1, "user_events": 1}
TABLES = RESHARDED | KEPT | SINGLE
# Views over several shards.
SPREAD = ("ctr", "page_view_counts", "frequent_orders", "tried_orders", "product_popularity_metrics")
RESULTS = 2
# Those of ctr come over HTTP, all else is put straight into the streams, by these keys.
HTTP = ("impressions", "clicks")
USER = rb'"user_id":"(\w+)"'
STRAIGHT = {
    "click-stream": USER, "order_events": USER, "product_analytics": rb'"product_id":"(\w+)"', "raw_events": rb'"userId":"(\w+)"',
    "user_clickstream": rb"User (\d+)", "user_events": USER,
}
# Fits no table, and begins as what the Kinesis Producer Library has put together.
POISON = b"\xf3\x89\x9a\xc2 is no aggregate"
HANDLED = re.compile(r"processed (\d+) Kinesis records from (\S+)/(\S+)")


class KinesisPipeline(Pipeline):
    def __init__(self, weir, streams, cloud, work, seconds):
        super().__init__(weir, streams, cloud, work, tuple(TABLES), SPREAD)
        self.seconds, self.seen, self.mappings = seconds, 0, []
        listed = subprocess.run([weir, "topics", "--sql", SQL, "--format", "json"], check=True, capture_output=True).stdout
        streams.create({one["topic"]: TABLES.get(one["topic"], RESULTS) for one in json.loads(listed)})

    def map(self):
        """Mappings that begin at the beginning, in place of those that are there."""
        functions = self.cloud.client("lambda")
        for mapping in self.mappings:
            functions.delete_event_source_mapping(UUID=mapping)
        # What was handled comes again, and counts anew.
        self.seen = len(self.log())
        self.mappings = [
            functions.create_event_source_mapping(
                FunctionName="weir-window", EventSourceArn=self.broker.arn(topic), StartingPosition="TRIM_HORIZON", BatchSize=500,
                FunctionResponseTypes=["ReportBatchItemFailures"],
            )["UUID"] for topic in TABLES
        ]

    def log(self):
        return self.cloud.process.text()

    def failures(self):
        return self.log().count("failed processing Kinesis batch")

    def is_handled(self):
        """Whether the mappings are behind the last record of each shard that is open, by what ministack tells of its batches."""
        handled = collections.Counter()
        for count, topic, shard in HANDLED.findall(self.log(), self.seen):
            handled[topic, shard] += int(count)
        return all(
            handled[topic, shard] == len(self.broker.records(topic)[shard]) for topic in TABLES for shard in self.broker.shards(topic))

    def expect_handled(self):
        eventually("all records to be handled", self.is_handled, seconds=120)

    def events(self):
        """Events of the whole time, as lines."""
        options = ["--rate", "600", "--malformed", "0.01", "--late"]
        simulations = {
            topic: self.simulation("-", [topic], 12, self.seconds, *options, "0.03" if topic in SINGLE else "0") for topic in STRAIGHT
        }
        return {
            topic: subprocess.run(simulation, check=True, capture_output=True).stdout.splitlines()
            for topic, simulation in simulations.items()
        }

    def write(self, events, seconds):
        """Those that are due in each second. Where there is one shard every other second's are one record."""
        for second in seconds:
            began = time.time()
            for topic, lines in events.items():
                due = lines[len(lines) * second // self.seconds:len(lines) * (second + 1) // self.seconds]
                put = self.broker.put_together if topic in SINGLE and second % 2 else self.broker.put
                put(topic, [(key_of(topic, line), line) for line in due])
            time.sleep(max(0, began + 1 - time.time()))
        self.broker.put("order_events", [("-", POISON)])

    def wave(self, events, seconds):
        """Events for a part of the time; meanwhile the function is killed."""
        options = [len(seconds), "--rate", "100", "--late", "0", "--malformed", "0.01"]
        over_http = self.simulate(f"http-{seconds.start}", self.cloud.url("ingest"), HTTP, 11 + seconds.start, *options)
        with concurrent.futures.ThreadPoolExecutor() as threads:
            straight = threads.submit(self.write, events, seconds)
            self.kill_functions(3)
            straight.result()
        self.expect_sent(over_http, 60)
        self.expect_handled()

    def reshard(self):
        """Splits a shard of each stream and merges two. ministack drops what was not read of these, and its mappings begin a new shard
        where that ends when they find it: so nothing may be left to read before, and nothing is written until they have found it."""
        shards = {topic: list(self.broker.shards(topic)) for topic in RESHARDED}
        for topic, (first, *_) in shards.items():
            self.broker.split(topic, first)
        self.expect_found(shards)
        for topic, (_, second, third, _) in shards.items():
            self.broker.merge(topic, second, third)
        self.expect_found(shards)
        print(f"   split and merged: shards of {', '.join(shards)}", flush=True)

    def expect_found(self, shards):
        """A mapping goes round the shards of its stream, new ones last; a round breaks off where their number has changed. So a record
        of the shard that stays is handled in a round that goes on to the new ones, and the next record in a later round."""
        for number in range(2):
            for topic, (*_, stays) in shards.items():
                self.broker.put_into(topic, stays, f"no event, number {number}".encode())
            self.expect_handled()

    def expect_moved(self):
        """The shards that are there have records, the new ones among them."""
        empty = [(topic, shard) for topic in RESHARDED for shard in self.broker.shards(topic) if not self.broker.records(topic)[shard]]
        if empty:
            raise Failure(f"no record came to shards that were made: {empty}")

    def run(self):
        events, half = self.events(), self.seconds // 2
        self.map()
        self.wave(events, range(half))
        self.reshard()
        self.wave(events, range(half, self.seconds))
        self.expect_moved()
        self.map()
        self.expect_handled()
        print("   made anew: the mappings, so that all records came again", flush=True)
        self.check()


def key_of(topic, line):
    """The key that the event's table names. What has none fits no table."""
    found = re.search(STRAIGHT[topic], line)
    return found[1].decode() if found else "-"
