-- fail: option "schema" is for Avro without a registry; expected format = 'avro' beside it
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'avro-confluent', schema = '{}');
