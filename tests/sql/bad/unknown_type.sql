-- fail: unknown_type.sql:2:17: unknown type BLOB; expected TEXT, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or JSON
CREATE TABLE t (k BLOB, ts TIMESTAMP);
