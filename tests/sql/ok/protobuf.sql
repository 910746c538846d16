-- Records of Protobuf: by the schema in the SQL, and by those of registries.
CREATE TABLE orders (
  order_id TEXT NOT NULL, amount DOUBLE, items JSON, ts TIMESTAMP NOT NULL OPTIONS (field = 'createdAt, ts')
) WITH (key = 'order_id', format = 'protobuf', message = 'Order', schema = '
  syntax = "proto3";
  package shop;
  import "google/protobuf/timestamp.proto";
  message Item { string product_id = 1; }
  message Order {
    string order_id = 1;
    optional double amount = 2;
    repeated Item items = 3;
    map<string, int64> labels = 4;
    google.protobuf.Timestamp created_at = 5;
  }
');
CREATE TABLE clicks (product_id TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (format = 'protobuf-confluent', route = '/events/click');
CREATE TABLE views (product_id TEXT NOT NULL, ts TIMESTAMP NOT NULL) WITH (format = 'PROTOBUF-glue');

CREATE VIEW sold AS
SELECT items -> 0 ->> 'productId' AS first, sum(amount) AS amount FROM orders GROUP BY items -> 0 ->> 'productId', TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW seen AS
SELECT product_id, count(*) AS events
FROM   (SELECT * FROM clicks UNION ALL SELECT * FROM views) AS events
GROUP BY product_id, TUMBLE(ts, INTERVAL '1' MINUTE);
