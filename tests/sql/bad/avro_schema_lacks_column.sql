-- fail: column "a" is NOT NULL, but the schema has no field a; expected one of b, ts
CREATE TABLE t (a BIGINT NOT NULL, ts TIMESTAMP) WITH (
  format = 'avro', schema = '{"type":"record","name":"R","fields":[{"name":"b","type":"long"},{"name":"ts","type":"long"}]}');
