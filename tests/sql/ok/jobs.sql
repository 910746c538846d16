CREATE TABLE ctr_events (
  event_id VARCHAR, type VARCHAR NOT NULL, product_id VARCHAR NOT NULL, user_id STRING, ts BIGINT NOT NULL
) WITH (topic = 'ctr_events', key = 'product_id', event_time = 'ts', watermark_delay = '2 seconds');
CREATE TABLE pv (page_url TEXT NOT NULL, user_id TEXT, ts BIGINT NOT NULL)
  WITH (topic = 'pv_events', event_time = 'ts', watermark_delay = '2 s');
CREATE TABLE act (product_id TEXT, user_id TEXT, action TEXT, ts TIMESTAMP(3))
  WITH (topic = 'act_events', key = product_id, watermark_delay = INTERVAL '2' SECOND);
CREATE TABLE sess (user_id TEXT NOT NULL, page_url TEXT, ts TIMESTAMP NOT NULL)
  WITH (topic = 'sess_events', watermark_delay = '2 seconds');

CREATE VIEW ctr WITH (allowed_lateness = '5 seconds') AS
SELECT product_id,
       COUNT(*) FILTER (WHERE type = 'impression') AS impressions,
       COUNT(*) FILTER (WHERE type = 'click') AS clicks,
       coalesce(clicks / nullif(impressions, 0), 0) AS ctr
FROM ctr_events
GROUP BY product_id, TUMBLE(ts, INTERVAL '10' SECOND);

CREATE VIEW page_views WITH (allowed_lateness = '5 seconds') AS
SELECT page_url, count(*) AS views, window_start, window_end
FROM pv GROUP BY page_url, HOP(ts, INTERVAL '10' SECOND, INTERVAL '5' MINUTE);

CREATE VIEW popularity WITH (allowed_lateness = '5 seconds') AS
SELECT product_id,
       count(*) FILTER (WHERE action = 'view') AS views,
       count(*) FILTER (WHERE action = 'cart') AS carts,
       count(*) FILTER (WHERE action = 'purchase') AS purchases,
       count(DISTINCT user_id) AS distinct_users,
       coalesce(purchases / nullif(views, 0), 0) AS conversion,
       views + 3 * carts + 10 * purchases AS score
FROM act GROUP BY product_id, TUMBLE(ts, INTERVAL '5' MINUTE);

CREATE VIEW sessions WITH (allowed_lateness = '5 seconds') AS
SELECT user_id, min(ts) AS first_ts, max(ts) AS last_ts, count(*) AS events,
       count(DISTINCT page_url) AS distinct_pages, last_ts - first_ts AS duration_ms
FROM sess GROUP BY user_id, SESSION(ts, INTERVAL '30' MINUTE);
