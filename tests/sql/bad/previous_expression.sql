-- fail: found previous(total + 1); expected the name of a column of this view: previous(ctr)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, sum(n) AS total, previous(total + 1) AS before FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
