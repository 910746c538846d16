-- fail: expected an interval such as INTERVAL '10' SECOND or INTERVAL '5 minutes'
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' MONTH);
