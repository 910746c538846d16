-- Views over views, rows that look back, rows so far, alerts.
CREATE TABLE t (k TEXT NOT NULL, kind TEXT, n BIGINT, ts TIMESTAMP NOT NULL) WITH (key = 'k');

CREATE VIEW loud WITH (alert = true, cooldown = '5 minutes') AS
SELECT k, total, 'HIGH' AS severity FROM trend WHERE total > 2 * before;

CREATE VIEW trend AS
SELECT k, sum(n) AS total, previous(total) AS before,
       coalesce(0.3 * total + 0.7 * previous(mean), CAST(total AS DOUBLE)) AS mean,
       previous(window_end) IS NULL AS is_first
FROM t GROUP BY k, HOP(ts, INTERVAL '10' SECOND, INTERVAL '1' MINUTE);

CREATE VIEW summary WITH (topic = 'summaries') AS
SELECT count(*) AS keys, avg(total) AS mean FROM trend WHERE NOT is_first GROUP BY window_start, window_end;

CREATE VIEW hourly AS
SELECT k, max(total) AS most, min(window_start) AS since FROM trend GROUP BY k, TUMBLE(window_time, INTERVAL '1' HOUR);

CREATE VIEW everything AS SELECT * FROM hourly;

CREATE VIEW so_far AS SELECT kind, count(*) AS events FROM t GROUP BY kind;
