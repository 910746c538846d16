-- A shop's users, products and orders.

CREATE TABLE user_events (
  event_id TEXT, user_id TEXT NOT NULL, event_type TEXT NOT NULL, page_url TEXT, product_id TEXT, amount DOUBLE,
  metadata JSON, ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp')
) WITH (topic = 'user_events', key = 'user_id', watermark_delay = '5 seconds');

CREATE TABLE product_analytics (
  event_id TEXT, product_id TEXT NOT NULL, action TEXT NOT NULL, user_id TEXT, session_id TEXT,
  properties JSON, ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp')
) WITH (topic = 'product_analytics', key = 'product_id', watermark_delay = '5 seconds');

CREATE TABLE order_events (
  event_id TEXT, order_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL, items JSON, total_amount DOUBLE NOT NULL,
  shipping_address JSON, ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp')
) WITH (topic = 'order_events', key = 'user_id', watermark_delay = '5 seconds');

-- What each user did in the last five minutes, every minute. The time spent is that from the first to the last event, in
-- milliseconds.
CREATE VIEW user_session_analytics WITH (topic = 'user_session_analytics') AS
SELECT user_id,
       min(ts)                         AS session_start,
       max(ts)                         AS session_end,
       count(*)                        AS total_events,
       count(DISTINCT page_url)        AS unique_pages,
       session_end - session_start     AS total_time_spent,
       array_agg(DISTINCT event_type)  AS event_types
FROM user_events GROUP BY user_id, HOP(ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE);

CREATE VIEW product_popularity_metrics WITH (topic = 'product_popularity_metrics') AS
SELECT product_id,
       count(*) FILTER (WHERE action = 'view')         AS views,
       count(*) FILTER (WHERE action = 'add_to_cart')  AS carts,
       count(*) FILTER (WHERE action = 'purchase')     AS purchases,
       count(DISTINCT user_id)                         AS unique_users,
       coalesce(purchases / nullif(views, 0), 0)       AS conversion_rate,
       views + 3 * carts + 10 * purchases              AS score
FROM product_analytics GROUP BY product_id, TUMBLE(ts, INTERVAL '5' MINUTE);
