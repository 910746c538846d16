-- fail: unknown window "w"; expected WINDOW w AS (PARTITION BY key
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER w AS c FROM t;
