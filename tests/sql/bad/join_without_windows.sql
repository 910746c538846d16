-- fail: expected ON a.k = e.k AND a.window_start = e.window_start AND a.window_end = e.window_end
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE TABLE u (k TEXT, m BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW a AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW b AS SELECT k, m, count(*) AS c FROM u GROUP BY k, m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW d AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '20' SECOND);
CREATE VIEW e AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW f AS SELECT m, count(*) AS c FROM u GROUP BY m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW v AS SELECT a.k FROM a JOIN e ON a.k = e.k;
