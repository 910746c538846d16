-- fail: option "schema" is no Avro schema of records: at a: unknown type "flot"
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (
  format = 'avro', schema = '{"type":"record","name":"R","fields":[{"name":"a","type":"flot"}]}');
