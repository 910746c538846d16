-- fail: WITH queries are not supported; expected a subquery in FROM
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS WITH x AS (SELECT * FROM t) SELECT k, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
