-- fail: table "u" is read by several of the views, which do not group its events alike
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE TABLE u (k TEXT, m BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW a AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW b AS SELECT k, m, count(*) AS c FROM u GROUP BY k, m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW d AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '20' SECOND);
CREATE VIEW e AS SELECT k, count(*) AS c FROM u GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW f AS SELECT m, count(*) AS c FROM u GROUP BY m, TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW g AS SELECT cast(m AS TEXT) AS k, count(*) AS c FROM u GROUP BY cast(m AS TEXT), TUMBLE(ts, INTERVAL '10' SECOND);
CREATE VIEW v AS SELECT e.k FROM e JOIN g ON e.k = g.k AND e.window_end = g.window_end;
