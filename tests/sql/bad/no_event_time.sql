-- fail: this table has no TIMESTAMP column; expected WITH (event_time = '...') to name its event time
CREATE TABLE t (k TEXT, ts BIGINT);
