-- fail: last cannot stand in another aggregate; expected columns of FROM
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, sum(last(n)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
