-- fail: format = 'protobuf' needs the schema that all records were written by
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'protobuf');
