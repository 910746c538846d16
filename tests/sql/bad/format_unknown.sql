-- fail: unknown format "csv"; expected one of json, text, avro, avro-confluent, avro-glue
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'csv'
);
