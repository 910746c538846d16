-- fail: cannot group by JSON; expected a path to a text (->> 'field') or a cast
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT count(*) AS c FROM t GROUP BY j, TUMBLE(ts, INTERVAL '1' SECOND);
