-- Aggregates of conditions.
CREATE TABLE events (
  user_id TEXT NOT NULL, kind TEXT, page TEXT, amount DOUBLE, quantity BIGINT, metadata JSON, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id');

CREATE VIEW conditions AS
SELECT count_if(kind = 'view') AS views, countIf(kind = 'view') AS same_views,
       count_if(kind = 'view') FILTER (WHERE page = '/') AS home_views,
       sum_if(amount, kind = 'purchase') AS paid, avg_if(amount, kind = 'purchase') AS mean,
       bool_and(amount > 0) AS all_paid, every(amount > 0) AS all_paid_too, bool_or(kind = 'click') AS any_click
FROM events GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);
