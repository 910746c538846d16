-- fail: found OVER without a frame, which would be all events there ever were; expected RANGE
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) OVER (PARTITION BY k ORDER BY ts) AS c FROM t;
