-- fail: regexp_replace takes a constant text as its pattern, found k
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(regexp_replace(k, k, 'a')) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
