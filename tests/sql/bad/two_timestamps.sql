-- fail: this table has several TIMESTAMP columns; expected WITH (event_time = '...')
CREATE TABLE t (k TEXT, a TIMESTAMP, b TIMESTAMP);
