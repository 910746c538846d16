"""Apache Kafka: one node, broker and controller in one (KRaft), on 127.0.0.1."""

import pathlib
import subprocess

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from processes import Failure, Started, answers, eventually, free_port

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
group.initial.rebalance.delay.ms=0
"""
CLUSTER = "4L6g3nShT-eMCtK--X86sw"


class Broker:
    """The broker. Its port and data stay when it is stopped and started again."""

    def __init__(self, java, jars, work):
        self.port, work = free_port(), pathlib.Path(work)
        self.bootstrap = f"127.0.0.1:{self.port}"
        config = work / "kafka.properties"
        data = work / "kafka-data"
        config.write_text(PROPERTIES.format(port=self.port, controller=free_port(), data=data), encoding="utf-8")
        command = [java, "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*"]
        with open(work / "kafka-format.log", "wb") as log:
            format_storage = [*command, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(config)]
            if subprocess.run(format_storage, stdout=log, stderr=log, check=False).returncode:
                raise Failure(f"Kafka's storage was not formatted: see {log.name}")
        self.process = Started("Kafka", [*command, "kafka.Kafka", str(config)], work / "kafka.log")
        self.admin = None

    def start(self):
        self.process.start()
        eventually("Kafka's port", lambda: answers(self.port))
        self.admin = AdminClient(self.client())
        eventually("Kafka's metadata", lambda: self.admin.list_topics(timeout=5).brokers)

    def create(self, topics):
        """Topics, each with the number of its partitions."""
        wanted = [NewTopic(name, num_partitions=count, replication_factor=1) for name, count in topics.items()]
        for made in self.admin.create_topics(wanted).values():
            made.result(30)

    def partitions(self, topic):
        found = self.admin.list_topics(topic, timeout=10).topics[topic]
        return [TopicPartition(topic, index) for index in sorted(found.partitions)]

    def committed(self, group, topics):
        """The group's offsets by (topic, partition); none where it has none."""
        wanted = [one for topic in topics for one in self.partitions(topic)]
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)])
        found = asked[group].result(30).topic_partitions
        return {(one.topic, one.partition): one.offset if one.offset >= 0 else None for one in found}

    def members(self, group):
        return len(self.admin.describe_consumer_groups([group])[group].result(30).members)

    def ends(self, topics):
        """What can be read of each partition ends here."""
        consumer = self.consumer()
        try:
            wanted = [one for topic in topics for one in self.partitions(topic)]
            return {(one.topic, one.partition): consumer.get_watermark_offsets(one, timeout=10)[1] for one in wanted}
        finally:
            consumer.close()

    def read(self, topic):
        """All records of a topic that are not of aborted transactions, partition by partition."""
        consumer = self.consumer()
        try:
            left = {one.partition for one in self.partitions(topic)}
            consumer.assign([TopicPartition(topic, index, 0) for index in left])
            records = []
            while left:
                message = consumer.poll(30)
                if message is None:
                    raise Failure(f"{topic} cannot be read to its end: partitions {left} are left")
                if message.error() is None:
                    records.append(message)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition())
                else:
                    raise Failure(f"{topic} cannot be read: {message.error()}")
            return sorted(records, key=lambda record: (record.partition(), record.offset()))
        finally:
            consumer.close()

    def consumer(self):
        return Consumer(self.client() | {
            "group.id": "end-to-end", "enable.auto.commit": False, "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        })

    def client(self):
        """A client's settings. That the broker is away is meant to be, so clients say nothing of it."""
        return {"bootstrap.servers": self.bootstrap, "log_level": 0}
