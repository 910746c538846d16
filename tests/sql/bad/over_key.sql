-- fail: OVER needs each key's events in one partition, but topic "t" is keyed by "k"; expected "k" in PARTITION BY
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER (PARTITION BY n ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS c FROM t;
