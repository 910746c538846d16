-- Views in which every event makes a row.
CREATE TABLE order_events (
  order_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL, total_amount BIGINT,
  shipping_address JSON, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id', watermark_delay = '2 seconds');
CREATE TABLE refunds (order_id TEXT, user_id TEXT, amount BIGINT, ts TIMESTAMP) WITH (key = 'user_id');
CREATE TABLE unkeyed (k TEXT, n DOUBLE, ts TIMESTAMP);

CREATE VIEW frequent_orders AS
SELECT user_id, order_id, total_amount, ts AS detected_at,
       count(*) OVER (PARTITION BY user_id ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS orders,
       CASE WHEN orders >= 5 THEN 'HIGH' ELSE 'MEDIUM' END AS severity
FROM order_events WHERE status = 'paid'
QUALIFY orders >= 3;

-- No OVER: rows are kept by the topic's key.
CREATE VIEW high_value_orders AS
SELECT order_id, total_amount / 100 AS total, shipping_address ->> 'city' AS city
FROM order_events WHERE status = 'paid' AND total_amount >= 1000000;

-- One window by name, an aggregate twice, a filter, an expression over PARTITION BY, the frame's bounds.
CREATE VIEW named AS
SELECT upper(user_id) AS who, sum(total_amount) OVER w AS total, avg(total_amount) FILTER (WHERE status = 'paid') OVER w AS mean,
       concat(user_id, '/', order_id) AS id, total_amount > 2 * mean AS is_large, window_start, window_end - window_start AS length,
       max(total_amount) OVER (PARTITION BY user_id, upper(user_id) ORDER BY ts ASC RANGE INTERVAL '1' HOUR PRECEDING) AS largest
FROM order_events
WINDOW w AS (PARTITION BY user_id, upper(user_id) ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)
QUALIFY sum(total_amount) OVER w > 10 AND is_large;

CREATE VIEW everything AS SELECT * FROM (SELECT order_id, user_id, ts FROM order_events UNION ALL SELECT order_id, user_id, ts FROM refunds) AS e
QUALIFY length(order_id) > 3;

CREATE VIEW by_nothing AS
SELECT k, count(DISTINCT n) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW) AS n FROM unkeyed;
