-- fail: found DEFAULT 1; expected NOT NULL, OPTIONS (field = '...') or nothing
CREATE TABLE t (a BIGINT DEFAULT 1, ts TIMESTAMP);
