-- fail: event_time column "k" is TEXT; expected TIMESTAMP, or BIGINT for epoch milliseconds
CREATE TABLE t (k TEXT, ts TIMESTAMP) WITH (event_time = 'k');
