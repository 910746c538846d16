-- fail: found no ORDER BY in OVER; expected PARTITION BY key ORDER BY ts
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER (PARTITION BY k) AS c FROM t;
