-- Click-through rates: impressions and clicks of each product in windows of ten seconds.

CREATE TABLE impressions (
  event_id TEXT DEFAULT uuidv7(), product_id TEXT NOT NULL, user_id TEXT NOT NULL, session_id TEXT,
  event_type TEXT NOT NULL, ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp, ts')
) WITH (topic = 'impressions', key = 'product_id', event_time = 'ts', watermark_delay = '2 seconds');

CREATE TABLE clicks (
  event_id TEXT DEFAULT uuidv7(), product_id TEXT NOT NULL, user_id TEXT NOT NULL, session_id TEXT,
  event_type TEXT NOT NULL, ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp, ts')
) WITH (topic = 'clicks', key = 'product_id', event_time = 'ts', watermark_delay = '2 seconds');

CREATE VIEW ctr WITH (allowed_lateness = '5 seconds', topic = 'ctr_results') AS
SELECT product_id,
       count(*) FILTER (WHERE event_type IN ('impression', 'view')) AS impressions,
       count(*) FILTER (WHERE event_type = 'click')                 AS clicks,
       coalesce(clicks / nullif(impressions, 0), 0)                 AS ctr
FROM   (SELECT * FROM impressions UNION ALL SELECT * FROM clicks) AS events
GROUP BY product_id, TUMBLE(ts, INTERVAL '10' SECOND);
