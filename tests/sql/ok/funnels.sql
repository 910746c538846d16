-- Steps in their order.
CREATE TABLE events (
  user_id TEXT NOT NULL, kind TEXT, page TEXT, amount DOUBLE, quantity BIGINT, metadata JSON, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id');

CREATE VIEW funnels AS
SELECT user_id,
       window_funnel(INTERVAL '5' MINUTE, kind = 'view', kind = 'click' AND page = '/', kind = 'purchase') AS steps,
       funnel('90 seconds', kind = 'view', kind = 'click') FILTER (WHERE amount IS NOT NULL) AS shorter
FROM events GROUP BY user_id, TUMBLE(ts, INTERVAL '1' HOUR)
HAVING steps > 0;
