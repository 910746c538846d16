-- fail: unknown column "totl"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, sum(n) AS total, previous(totl) AS before FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
