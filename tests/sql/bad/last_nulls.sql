-- fail: expected last_value(x), perhaps with FILTER
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, last_value(k) RESPECT NULLS AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
