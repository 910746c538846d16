-- fail: option "message" is for Protobuf without a registry; expected format = 'protobuf' beside it
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'protobuf-confluent', message = 'R');
