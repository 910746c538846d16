-- fail: star.sql:3:25: * is not supported here; expected group columns and aggregates
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT * FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
