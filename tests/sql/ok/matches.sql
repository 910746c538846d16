-- Patterns over the events of a key.
CREATE TABLE visits (
  user_id TEXT NOT NULL, kind TEXT NOT NULL, product_id TEXT, amount BIGINT, price DOUBLE, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id', watermark_delay = '2 seconds');

CREATE TABLE orders (user_id TEXT NOT NULL, total BIGINT, at TIMESTAMP NOT NULL) WITH (key = 'user_id');

CREATE VIEW bought WITH (topic = 'bought', alert = true) AS
SELECT user_id, clicks, paid, 'HIGH' AS severity, window_start
FROM (SELECT * FROM visits WHERE kind IN ('view', 'click', 'purchase')) AS v
MATCH_RECOGNIZE (
  PARTITION BY user_id
  ORDER BY ts
  MEASURES FIRST(click.ts) AS first_click, count(click.*) AS clicks, sum(purchase.amount) AS paid, MATCH_ROWTIME() AS at
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (view click+ purchase)
  WITHIN INTERVAL '5' MINUTE
  DEFINE view AS kind = 'view', click AS click.kind = 'click', purchase AS kind = 'purchase'
);

CREATE VIEW falls AS
SELECT *
FROM visits
MATCH_RECOGNIZE (
  PARTITION BY user_id, lower(product_id) ORDER BY ts
  MEASURES strt.price AS begun_at, LAST(down.price) AS fell_to, avg(down.price) AS mean, count(*) AS events,
           LAST(down.price, 1) AS before, product_id AS product, min(price) FILTER (WHERE amount > 1) AS least
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (strt (down | flat){2,4} up??)
  WITHIN INTERVAL '1' HOUR
  DEFINE
    down AS amount > 0 AND price < LAST(down.price, 1) OR LAST(down.price, 1) IS NULL AND down.price < strt.price,
    flat AS flat.price = LAST(price, 1) AND kind = 'view',
    up AS price > FIRST(strt.price)
) AS f
WHERE f.events > 3 AND mean < fell_to + 2;

CREATE VIEW mixed AS
SELECT m.user_id, n * 2 AS twice, twice + 1 AS more
FROM (
  SELECT user_id, kind, amount, ts FROM visits
  UNION ALL
  SELECT user_id, 'order', total, at FROM orders
) MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY ts
  MEASURES count(*) AS n
  PATTERN (a b*? c{2} d{3,}) WITHIN INTERVAL '10' SECOND
  DEFINE a AS kind = 'order', b AS b.amount > a.amount, c AS TRUE
) AS m;
