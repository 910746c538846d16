-- fail: rows of view "u" are told apart by "k", which FROM does not give; expected it in the SELECT of "u"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT n FROM u;
