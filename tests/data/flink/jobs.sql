CREATE TABLE ctr_events (
  event_id TEXT NOT NULL, type TEXT NOT NULL, product_id TEXT NOT NULL, user_id TEXT NOT NULL,
  ts TIMESTAMP NOT NULL
) WITH (topic = 'ctr_events', key = 'product_id', event_time = 'ts', watermark_delay = '2 seconds');

CREATE TABLE pv_events (
  event_id TEXT NOT NULL, user_id TEXT NOT NULL, page_url TEXT NOT NULL, ts TIMESTAMP NOT NULL
) WITH (topic = 'pv_events', key = 'page_url', event_time = 'ts', watermark_delay = '2 seconds');

CREATE TABLE act_events (
  event_id TEXT NOT NULL, product_id TEXT NOT NULL, action TEXT NOT NULL, user_id TEXT NOT NULL,
  session_id TEXT, ts TIMESTAMP NOT NULL
) WITH (topic = 'act_events', key = 'product_id', event_time = 'ts', watermark_delay = '2 seconds');

CREATE TABLE sess_events (
  event_id TEXT NOT NULL, user_id TEXT NOT NULL, page_url TEXT NOT NULL, ts TIMESTAMP NOT NULL
) WITH (topic = 'sess_events', key = 'user_id', event_time = 'ts', watermark_delay = '2 seconds');

CREATE VIEW ctr WITH (allowed_lateness = '5 seconds') AS
SELECT product_id,
       count(*) FILTER (WHERE type = 'impression') AS impressions,
       count(*) FILTER (WHERE type = 'click') AS clicks
FROM ctr_events
GROUP BY product_id, TUMBLE(ts, INTERVAL '10' SECOND);

CREATE VIEW pv WITH (allowed_lateness = '5 seconds') AS
SELECT page_url, count(*) AS views
FROM pv_events
GROUP BY page_url, HOP(ts, INTERVAL '10' SECOND, INTERVAL '5' MINUTE);

CREATE VIEW pop WITH (allowed_lateness = '5 seconds') AS
SELECT product_id,
       count(*) FILTER (WHERE action = 'view') AS views,
       count(*) FILTER (WHERE action = 'cart') AS carts,
       count(*) FILTER (WHERE action = 'purchase') AS purchases,
       count(DISTINCT user_id) AS distinct_users,
       coalesce(purchases / nullif(views, 0), 0) AS conversion,
       views + 3 * carts + 10 * purchases AS score
FROM act_events
GROUP BY product_id, TUMBLE(ts, INTERVAL '5' MINUTE);

CREATE VIEW sess WITH (allowed_lateness = '5 seconds') AS
SELECT user_id,
       min(ts) AS first_ts,
       max(ts) AS last_ts,
       count(*) AS events,
       count(DISTINCT page_url) AS distinct_pages,
       last_ts - first_ts AS duration_ms
FROM sess_events
GROUP BY user_id, SESSION(ts, INTERVAL '30' MINUTE);
