"""Makes frames.json: values as the serializers of Confluent and AWS Glue frame them.

    python -m venv venv && venv/bin/pip install 'confluent-kafka[avro,json,schemaregistry]==2.16.0' \
        fastavro==1.13.1 aws-glue-schema-registry==1.1.3 && venv/bin/python tests/data/avro/make.py

Registries are those that the libraries have in memory. Run once; the tests read what it wrote.
"""

import datetime
import decimal
import io
import json
import pathlib
import uuid

import fastavro
from aws_schema_registry import DataAndSchema
from aws_schema_registry.avro import AvroSchema
from aws_schema_registry.codec import encode
from aws_schema_registry.schema import SchemaVersion
from aws_schema_registry.serde import KafkaSerializer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

here = pathlib.Path(__file__).parent
text = (here / "order.avsc").read_text()
orders = [
    {
        "order_id": "0b7ff6a1-0a5c-4a3f-9d0e-0a6d52f1c111",
        "user_id": "u1",
        "ts": datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, datetime.timezone.utc),
        "status": "paid",
        "amount": decimal.Decimal("1234567.89"),
        "weight": 2.5,
        "quantity": 3,
        "gift": True,
        "due": datetime.date(2023, 12, 24),
        "digest": b"\x00\xff\x10\x80",
        "unused": 0.25,
        "items": [
            {"product_id": "p\"1\"", "price": 9.75, "again": None},
            {"product_id": "p2", "price": -1.0, "again": {"product_id": "p3", "price": 0.0, "again": None}},
        ],
        "labels": {"a": "ä", "b": 7, "c": None},
    },
    {
        "order_id": "7d444840-9dc0-41d1-b245-5ffdce74fad2",
        "user_id": "użytkownik",
        "ts": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, datetime.timezone.utc),
        "status": "created",
        "amount": decimal.Decimal("-0.05"),
        "weight": None,
        "quantity": -2147483648,
        "gift": False,
        "due": datetime.date(1969, 12, 31),
        "digest": b"abcd",
        "unused": 1e30,
        "items": [],
        "labels": {},
    },
]
event = {"user_id": "u1", "product_id": "p1", "ts": 1700000000123}
event_schema = json.dumps({
    "$schema": "http://json-schema.org/draft-07/schema#", "title": "Click", "type": "object",
    "properties": {"user_id": {"type": "string"}, "product_id": {"type": "string"}, "ts": {"type": "integer"}},
})
version = uuid.UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")


class OneSchema:
    """Glue's registry with one schema in it."""

    def get_or_register_schema_version(self, definition, schema_name, data_format, compatibility_mode):
        return SchemaVersion("orders", version, definition, data_format, "AVAILABLE")


def bare(order):
    to = io.BytesIO()
    fastavro.schemaless_writer(to, fastavro.parse_schema(json.loads(text)), order)
    return to.getvalue()


def confluent():
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    context = SerializationContext("orders", MessageField.VALUE)
    avro = AvroSerializer(client, text)
    clicks = SerializationContext("clicks", MessageField.VALUE)
    return [avro(order, context) for order in orders], JSONSerializer(event_schema, client)(event, clicks)


def glue():
    serializer = KafkaSerializer(OneSchema())
    schema = AvroSchema(text)
    return [serializer.serialize("orders", DataAndSchema(order, schema)) for order in orders]


def glue_zlib():
    # The serializer has no switch for it; its codec does what Java's does when it is told to compress.
    return [encode(bare(order), version, compression=True) for order in orders]


avro, click = confluent()
frames = {
    "bare": [bare(order) for order in orders],
    "confluent": avro,
    "confluent_json": [click],
    "glue": glue(),
    "glue_zlib": glue_zlib(),
}
hexes = {name: [value.hex() for value in values] for name, values in frames.items()}
(here / "frames.json").write_text(json.dumps(hexes, indent=2) + "\n")
