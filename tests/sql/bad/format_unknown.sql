-- fail: unknown format "csv"; expected one of json, text, avro, avro-confluent, avro-glue, protobuf, protobuf-confluent, protobuf-glue
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'csv'
);
