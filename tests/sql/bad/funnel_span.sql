-- fail: funnel_span.sql:3:42: found 5; expected an interval such as INTERVAL '10' SECOND
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, window_funnel(5, k = 'a') AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
