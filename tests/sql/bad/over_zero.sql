-- fail: found a span of 0 ms; expected more than 0 ms
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER (PARTITION BY k ORDER BY ts RANGE INTERVAL '0' SECOND PRECEDING) AS c FROM t;
