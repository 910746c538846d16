-- fail: it has several messages; expected message = '...' with one of A, B
CREATE TABLE t (ts TIMESTAMP) WITH (format = 'protobuf', schema = 'syntax = "proto3"; message A { int64 ts = 1; } message B {}');
