-- fail: option "schema" is no Protobuf schema: schema:2:15: name 'flot' is not defined
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'protobuf', schema = 'syntax = "proto3";
  message R { flot a = 1; }');
