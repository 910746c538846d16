-- fail: a.k is TEXT and f.m is BIGINT; expected keys of one type
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE TABLE u (k TEXT, m BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW a AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW b AS SELECT k, m, count(*) AS c FROM u GROUP BY k, m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW d AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '20' SECOND);
CREATE VIEW e AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW f AS SELECT m, count(*) AS c FROM u GROUP BY m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW v AS SELECT a.k FROM a JOIN f ON a.k = f.m AND a.window_end = f.window_end;
