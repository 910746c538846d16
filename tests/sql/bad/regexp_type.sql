-- fail: the first argument of regexp_extract has to be TEXT, found BIGINT: n
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(regexp_extract(n, 'a')) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
