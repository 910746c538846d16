-- fail: column "a" is BIGINT, but the schema's field "a" is union of null and string; expected another type of column
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (
  format = 'avro', schema = '{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]},{"name":"ts","type":"long"}]}');
