-- fail: column "a" has a DEFAULT, but records of Avro without a registry are taken as they are; expected none
CREATE TABLE t (a BIGINT DEFAULT 1, ts TIMESTAMP) WITH (
  format = 'avro', schema = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"ts","type":"long"}]}');
