-- fail: tumble belongs in GROUP BY; in SELECT expected window_start or window_end
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, TUMBLE(ts, INTERVAL '1' SECOND) AS w, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
