-- fail: views are joined row by row, on all keys of both and their windows; expected ON a.k = b.k AND a.window_start = b.window_start
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE TABLE u (k TEXT, m BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW a AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW b AS SELECT k, m, count(*) AS c FROM u GROUP BY k, m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW d AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '20' SECOND);
CREATE VIEW e AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW f AS SELECT m, count(*) AS c FROM u GROUP BY m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW v AS SELECT a.k FROM a JOIN b ON a.k = b.k AND a.window_end = b.window_end;
