-- fail: column "ts" is the event time, but the schema has no field ts; expected one of a, created_at
CREATE TABLE t (a BIGINT, ts TIMESTAMP) WITH (format = 'protobuf', schema = 'syntax = "proto3"; message R { int32 a = 1; int64 created_at = 2; }');
