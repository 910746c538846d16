-- fail: column "a" is BIGINT, but the schema's field "a" is repeated int32; expected another type of column
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'protobuf', schema = 'syntax = "proto3"; message R { repeated int32 a = 1; int64 ts = 2; }');
