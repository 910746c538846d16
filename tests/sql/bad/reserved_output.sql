-- fail: every row has a "view" of its own; expected another name behind AS
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) AS view FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
