"""Streams of Kinesis on ministack, read as `Broker` reads topics."""

import base64
import dataclasses
import json

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records

# How many records one request takes.
MOST = 500


@dataclasses.dataclass(frozen=True)
class Event:
    """An event, or a message about one; asked as the messages of Kafka's client are."""

    shard: int
    sequence: int
    number: int | None
    data: bytes
    about: tuple = ()

    def partition(self):
        return self.shard

    def offset(self):
        """As Weir writes it."""
        return self.sequence if self.number is None else f"{self.sequence}:{self.number}"

    def timestamp(self):
        """ministack's sequence numbers begin with the time, and rise over all shards."""
        return None, self.sequence

    def value(self):
        return self.data

    def headers(self):
        return self.about


class Streams:
    """Remembers what it has read: ministack forgets shards that were split or merged, with their records."""

    def __init__(self, cloud):
        self.client, self.found = cloud.client("kinesis"), {}

    def create(self, streams):
        """Streams, each with the number of its shards."""
        for name, count in streams.items():
            self.client.create_stream(StreamName=name, ShardCount=count)
        for name in streams:
            self.client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})

    def arn(self, topic):
        return self.client.describe_stream_summary(StreamName=topic)["StreamDescriptionSummary"]["StreamARN"]

    def shards(self, topic):
        """The open shards in the order of the hashes that they take, each with the first and the last one."""
        ranges = {shard["ShardId"]: shard["HashKeyRange"] for shard in self.client.list_shards(StreamName=topic)["Shards"]}
        hashes = {name: (int(one["StartingHashKey"]), int(one["EndingHashKey"])) for name, one in ranges.items()}
        return dict(sorted(hashes.items(), key=lambda shard: shard[1]))

    def put(self, topic, records):
        """Records as (partition key, data)."""
        entries = [{"PartitionKey": key, "Data": data} for key, data in records]
        for begin in range(0, len(entries), MOST):
            self.client.put_records(StreamName=topic, Records=entries[begin:begin + MOST])

    def put_together(self, topic, records):
        """All in one record, as the Kinesis Producer Library puts them."""
        together = RecordAggregator()
        for key, data in records:
            together.add_user_record(key, data)
        if records:
            key, _, data = together.clear_and_get().get_contents()
            self.put(topic, [(key, data)])

    def put_into(self, topic, shard, data):
        first, _ = self.shards(topic)[shard]
        self.client.put_record(StreamName=topic, PartitionKey="-", ExplicitHashKey=str(first), Data=data)

    def split(self, topic, shard):
        first, last = self.shards(topic)[shard]
        self.client.split_shard(StreamName=topic, ShardToSplit=shard, NewStartingHashKey=str((first + last) // 2))

    def merge(self, topic, shard, adjacent):
        self.client.merge_shards(StreamName=topic, ShardToMerge=shard, AdjacentShardToMerge=adjacent)

    def records(self, topic):
        """All records of each shard, so far."""
        shards = self.found.setdefault(topic, {})
        for shard in self.shards(topic):
            known = shards.setdefault(shard, [])
            place = {"ShardIteratorType": "TRIM_HORIZON"}
            if known:
                place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": known[-1]["SequenceNumber"]}
            iterator = self.client.get_shard_iterator(StreamName=topic, ShardId=shard, **place)["ShardIterator"]
            while found := (answer := self.client.get_records(ShardIterator=iterator))["Records"]:
                known += found
                iterator = answer["NextShardIterator"]
        return shards

    def read(self, topic):
        """All events, shard by shard."""
        return [event for shard, records in self.records(topic).items() for record in records for event in events(shard, record)]


def events(shard, record):
    """A record's events, taken apart by AWS's own library; of a message about an event what Kafka has as headers and value."""
    shard, sequence = int(shard.removeprefix("shardId-")), int(record["SequenceNumber"])
    found = deaggregate_records(as_lambda_has_it(record))
    for number, one in enumerate(found, start=1):
        data, about = base64.b64decode(one["kinesis"]["data"]), {}
        if data.startswith(b'{"weir.'):
            about = json.loads(data)
            data = about.pop("value").encode() if "value" in about else base64.b64decode(about.pop("value_base64"))
        headers = tuple((name, str(said).encode()) for name, said in about.items())
        # The last one stands at the record's own place.
        yield Event(shard, sequence, number - 1 if number < len(found) else None, data, headers)


def as_lambda_has_it(record):
    return {"kinesis": {
        "kinesisSchemaVersion": "1.0", "partitionKey": record["PartitionKey"], "sequenceNumber": record["SequenceNumber"],
        "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"], "data": base64.b64encode(record["Data"]),
    }}
