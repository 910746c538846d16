-- Page views: how often each page was looked at in the last five minutes, every ten seconds.

CREATE TABLE click_stream (
  user_id TEXT NOT NULL, session_id TEXT, page TEXT NOT NULL, product_id TEXT,
  event_type TEXT NOT NULL, ts TIMESTAMP NOT NULL OPTIONS (field = 'timestamp')
) WITH (topic = 'click-stream', key = 'user_id', watermark_delay = '2 seconds');

-- "count" has every event of the page, "views" those that are nothing but a look at it.
CREATE VIEW page_view_counts WITH (allowed_lateness = '5 seconds', topic = 'page_view_counts') AS
SELECT page,
       count(*)                                      AS "count",
       count(*) FILTER (WHERE event_type = 'VIEW')   AS views
FROM click_stream
GROUP BY page, HOP(ts, INTERVAL '10' SECOND, INTERVAL '5' MINUTE);
