-- fail: date_trunc_part.sql:3:43: found 'fortnight'; expected one of 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(date_trunc('fortnight', ts)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
