-- fail: unknown window "a"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER a AS c FROM t WINDOW a AS b, b AS a;
