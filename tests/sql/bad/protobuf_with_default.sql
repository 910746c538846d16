-- fail: column "a" has a DEFAULT, but records of Protobuf without a registry are taken as they are; expected none
CREATE TABLE t (a BIGINT DEFAULT 1, ts TIMESTAMP) WITH (format = 'protobuf', schema = 'syntax = "proto3"; message R { int64 a = 1; int64 ts = 2; }');
