-- fail: option "schema" is for Avro or Protobuf without a registry; expected format = 'avro' or 'protobuf' beside it
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'avro-confluent', schema = '{}');
