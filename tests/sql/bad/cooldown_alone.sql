-- fail: "cooldown" is of alerts; expected alert = true beside it
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v WITH (cooldown = '5 minutes') AS SELECT k, count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
