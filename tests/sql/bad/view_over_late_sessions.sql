-- fail: sessions of view "u" may still grow after they were given
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u WITH (allowed_lateness = '1 second') AS SELECT k, count(*) AS n FROM t GROUP BY k, SESSION(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT sum(n) AS n FROM u GROUP BY TUMBLE(window_time, INTERVAL '1' MINUTE);
