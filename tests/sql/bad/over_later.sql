-- fail: column "c" is computed further behind; expected it before its use
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT c + 1 AS d, n AS c FROM t;
