-- fail: unknown_table.sql:3:41: unknown table "tt"; expected t, did you mean "t"?
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) c FROM tt GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);
