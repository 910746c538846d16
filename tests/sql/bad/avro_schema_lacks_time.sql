-- fail: column "ts" is the event time, but the schema has no field ts
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (
  format = 'avro', schema = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}');
