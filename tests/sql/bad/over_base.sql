-- fail: a window made of window "w" is not supported
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER (w RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS c FROM t WINDOW w AS (PARTITION BY k ORDER BY ts);
