/* What is accepted besides the plainest form. */
create table impressions (
  "eventId" text, productId text not null, price double precision, -- camelCase fields
  metadata json, ts timestamp(3) not null
) with (topic = 'impressions-v1', key = 'productId', watermark_delay = '1 second', max_ahead = '10 minutes');

CREATE TABLE clicks (
  clicked_at TIMESTAMP NOT NULL, product_id VARCHAR(64) NOT NULL, amount INT, page STRING
) WITH (key = product_id, watermark_delay = 'PT2S');

CREATE TABLE visits (user TEXT, "Page Url" TEXT, at TIMESTAMP_LTZ(3), flag BOOL, seen TIMESTAMP WITH TIME ZONE)
WITH ('event_time' = 'at', 'key' = 'user');;

-- Branches that rename, compute and filter; a NULL takes the other branch's type.
CREATE OR REPLACE VIEW clicked WITH (history = '1 day', idle_timeout = '1 minute', flush_after = '2m') AS
SELECT e.product, sum(e.cents) AS cents, avg(e.cents) FILTER (WHERE e.page IS NOT NULL) mean
FROM (
  SELECT productId AS product, price * 100 AS cents, NULL AS page, ts FROM impressions WHERE price > 0
  UNION ALL
  SELECT product_id, amount, page, clicked_at FROM clicks AS c WHERE c.page LIKE '/p/%'
) AS e
WHERE product <> ''
GROUP BY e.product, TUMBLE(e.ts, INTERVAL '1 minute');

-- SELECT * joins by name: what a table lacks is NULL there, and the filter on it folds away.
CREATE VIEW by_name AS
SELECT count(*) FILTER (WHERE amount > 1) AS large, max(price) AS dearest, window_end
FROM (SELECT * FROM (SELECT *, clicked_at AS ts FROM clicks) AS c UNION ALL SELECT * FROM impressions)
GROUP BY HOP(ts, '15 seconds', INTERVAL 40 SECOND), window_end
HAVING large > 0 OR min(price) < 1;

-- Computed keys by expression, alias and position; identical aggregates are shared.
CREATE MATERIALIZED VIEW hours AS
SELECT EXTRACT(HOUR FROM ts) AS hour, metadata->>'device' AS device, upper(productId) AS product,
       count(*) AS n, 100 * count(*) / sum(price) AS ratio, COUNT(*) + 1,
       round(avg(price), 2) AS price, window_end - window_start AS length_ms, TUMBLE_START(ts, INTERVAL '1' HOUR) AS "from",
       CASE WHEN n > 10 THEN 'busy' ELSE 'quiet' END AS mood, length(mood) AS letters
FROM impressions
GROUP BY Hour, metadata->>'device', 3, TUMBLE(ts, INTERVAL '1' HOUR);

-- A session that is keyed by its topic's key; names that need quotes.
CREATE VIEW "visits.v2" AS
SELECT user, max("Page Url") AS "last page", count(flag) AS flags, max(at) - min(AT) AS ms
FROM visits GROUP BY user, SESSION(at, INTERVAL '30' MINUTES);
