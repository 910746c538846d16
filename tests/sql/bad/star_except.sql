-- fail: star_except.sql:3:47: found * EXCEPT (k); expected a plain * or the columns by name
CREATE TABLE t (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT count(*) FROM (SELECT * EXCEPT (k) FROM t) AS x GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);
