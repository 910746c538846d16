-- A shop's users, products and orders. Whoever sends an event over HTTP need not say when, nor give it an id.

CREATE TABLE user_events (
  event_id TEXT DEFAULT uuidv7(), user_id TEXT NOT NULL, event_type TEXT NOT NULL, page_url TEXT, product_id TEXT, amount DOUBLE,
  metadata JSON, ts TIMESTAMP NOT NULL DEFAULT now() OPTIONS (field = 'timestamp'),
  source TEXT DEFAULT 'api', version TEXT DEFAULT '1.0'
) WITH (topic = 'user_events', key = 'user_id', watermark_delay = '5 seconds', route = '/events/user');

CREATE TABLE product_analytics (
  event_id TEXT DEFAULT uuidv7(), product_id TEXT NOT NULL, action TEXT NOT NULL, user_id TEXT, session_id TEXT,
  properties JSON, ts TIMESTAMP NOT NULL DEFAULT now() OPTIONS (field = 'timestamp'),
  source TEXT DEFAULT 'api', version TEXT DEFAULT '1.0'
) WITH (topic = 'product_analytics', key = 'product_id', watermark_delay = '5 seconds', route = '/events/product');

CREATE TABLE order_events (
  event_id TEXT DEFAULT uuidv7(), order_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL, items JSON, total_amount DOUBLE NOT NULL,
  shipping_address JSON, ts TIMESTAMP NOT NULL DEFAULT now() OPTIONS (field = 'timestamp'),
  source TEXT DEFAULT 'api', version TEXT DEFAULT '1.0'
) WITH (topic = 'order_events', key = 'user_id', watermark_delay = '5 seconds', route = '/events/order');

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

-- Paid orders of a million or more: told as the order comes.
CREATE VIEW high_value_orders WITH (alert = true, topic = 'order_anomaly_alerts') AS
SELECT 'high_value_order'   AS rule,
       user_id, order_id,
       'total_amount'       AS metric_name,
       total_amount         AS metric_value,
       1000000.0            AS threshold,
       CASE WHEN total_amount > 5000000 THEN 'CRITICAL' WHEN total_amount > 2000000 THEN 'HIGH' ELSE 'MEDIUM' END AS severity,
       ts                   AS detected_at,
       concat('order ', order_id, ' of user ', user_id, ' amounts to ', total_amount) AS details
FROM order_events
WHERE status = 'paid' AND total_amount >= 1000000;

-- The third paid order of a user within ten minutes, and each further one.
CREATE VIEW frequent_orders WITH (alert = true, topic = 'order_anomaly_alerts') AS
SELECT 'frequent_orders'    AS rule,
       user_id, order_id,
       'orders'             AS metric_name,
       count(*) OVER (PARTITION BY user_id ORDER BY ts
                      RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS metric_value,
       3                    AS threshold,
       if(metric_value >= 5, 'HIGH', 'MEDIUM') AS severity,
       ts                   AS detected_at,
       concat('user ', user_id, ' has paid ', metric_value, ' orders within ten minutes') AS details
FROM order_events
WHERE status = 'paid'
QUALIFY metric_value >= 3;

-- Three cancelled orders of a user or more, and then a paid one, within ten minutes: somebody tries what passes.
CREATE VIEW tried_orders WITH (alert = true, topic = 'order_anomaly_alerts') AS
SELECT 'tried_orders'       AS rule,
       user_id, order_id,
       'cancelled'          AS metric_name,
       cancelled            AS metric_value,
       3                    AS threshold,
       if(cancelled >= 5, 'HIGH', 'MEDIUM') AS severity,
       detected_at,
       concat('user ', user_id, ' has paid order ', order_id, ' after ', cancelled, ' cancelled ones') AS details
FROM (SELECT * FROM order_events WHERE status IN ('cancelled', 'paid')) MATCH_RECOGNIZE (
  PARTITION BY user_id
  ORDER BY ts
  MEASURES paid.order_id AS order_id, count(cancelled.*) AS cancelled, MATCH_ROWTIME() AS detected_at
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (cancelled{3,} paid) WITHIN INTERVAL '10' MINUTE
  DEFINE cancelled AS status = 'cancelled', paid AS status = 'paid'
);
