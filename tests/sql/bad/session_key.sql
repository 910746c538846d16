-- fail: SESSION needs each key's events in one partition, but topic "t" is keyed by "k"; expected "k" in GROUP BY
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT n, count(*) AS c FROM t GROUP BY n, SESSION(ts, INTERVAL '1' MINUTE);
