-- fail: every row has a "window_start" of its own; expected another name behind AS
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) AS window_start FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
