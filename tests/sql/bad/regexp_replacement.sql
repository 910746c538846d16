-- fail: the replacement '$1': $1 is none of its groups, $0 to $0
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(regexp_replace(k, 'a', '$1')) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
