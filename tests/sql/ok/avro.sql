-- Records of Avro: by the schema in the SQL, and by those of registries.
CREATE TABLE orders (
  order_id TEXT NOT NULL, amount DOUBLE, items JSON, ts TIMESTAMP NOT NULL OPTIONS (field = 'created, ts')
) WITH (key = 'order_id', format = 'avro', schema = '{
  "type": "record", "name": "Order", "fields": [
    { "name": "order_id", "type": { "type": "string", "logicalType": "uuid" } },
    { "name": "amount", "type": ["null", { "type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2 }] },
    { "name": "items", "type": { "type": "array", "items": "string" } },
    { "name": "created", "type": { "type": "long", "logicalType": "timestamp-micros" } }
  ]
}');
CREATE TABLE clicks (product_id TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (format = 'avro-confluent', route = '/events/click');
CREATE TABLE views (product_id TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (format = 'AVRO-glue');

CREATE VIEW sold AS
SELECT items ->> 0 AS first, sum(amount) AS amount FROM orders GROUP BY items ->> 0, TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW seen AS
SELECT product_id, count(*) AS events
FROM   (SELECT * FROM clicks UNION ALL SELECT * FROM views) AS events
GROUP BY product_id, TUMBLE(ts, INTERVAL '1' MINUTE);
