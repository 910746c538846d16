-- fail: the type of "x" follows from its own previous value; expected a CAST around what computes it
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, previous(x) AS x FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
