-- fail: the pattern of regexp_extract is no regular expression: unclosed group
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(regexp_extract(k, '(a')) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
