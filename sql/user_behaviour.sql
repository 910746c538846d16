-- What users of a site do: counts, unique users, conversion, sessions, the funnel from a view to a purchase, and who comes back.

CREATE TABLE raw_events (
  user_id TEXT NOT NULL OPTIONS (field = 'userId'),
  event   TEXT NOT NULL,
  page    TEXT NOT NULL,
  ts      TIMESTAMP NOT NULL OPTIONS (field = 'timestamp'),
  event_id TEXT DEFAULT uuidv7()
) WITH (topic = 'raw_events', key = 'user_id', watermark_delay = '5 seconds', websocket = true);

CREATE VIEW events_per_type WITH (topic = 'events_per_type') AS
SELECT event, count(*) AS events FROM raw_events GROUP BY event, TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW page_views WITH (topic = 'page_views') AS
SELECT page, count(*) AS views FROM raw_events WHERE event = 'view' GROUP BY page, TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW unique_users_per_page WITH (topic = 'unique_users_per_page') AS
SELECT page, count(DISTINCT user_id) AS users FROM raw_events GROUP BY page, TUMBLE(ts, INTERVAL '1' MINUTE);

-- Hours of the day, in UTC.
CREATE VIEW activity_heatmap WITH (topic = 'activity_heatmap') AS
SELECT EXTRACT(HOUR FROM ts) AS hour, count(*) AS events FROM raw_events GROUP BY hour, TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW user_activity AS
SELECT user_id,
       count(*) FILTER (WHERE event = 'view')     AS views,
       count(*) FILTER (WHERE event = 'purchase') AS purchases
FROM raw_events GROUP BY user_id, HOP(ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE);

-- Of all users of the last five minutes those that both viewed and purchased.
CREATE VIEW conversion_rate WITH (topic = 'conversion_rate') AS
SELECT count(*)                                                AS users,
       count(*) FILTER (WHERE views > 0 AND purchases > 0)     AS converted,
       converted / users                                       AS conversion_rate
FROM user_activity GROUP BY window_start, window_end;

-- A session ends with its last event; half an hour without any has to follow.
CREATE VIEW session_stats WITH (topic = 'session_stats') AS
SELECT user_id, min(ts) AS session_start, max(ts) AS session_end, session_end - session_start AS duration_ms, count(*) AS events
FROM raw_events GROUP BY user_id, SESSION(ts, INTERVAL '30' MINUTE);

CREATE VIEW user_funnels AS
SELECT user_id,
       window_funnel(INTERVAL '5' MINUTE, event = 'view', event = 'click', event = 'purchase') AS steps
FROM raw_events GROUP BY user_id, TUMBLE(ts, INTERVAL '5' MINUTE);

-- Users by how far they came in that order within the window. Who purchased has completed the funnel.
CREATE VIEW funnel_stats WITH (topic = 'funnel_stats') AS
SELECT count(*) FILTER (WHERE steps >= 1)          AS viewed,
       count(*) FILTER (WHERE steps >= 2)          AS clicked,
       count(*) FILTER (WHERE steps = 3)           AS purchased,
       coalesce(clicked / nullif(viewed, 0), 0)    AS view_to_click,
       coalesce(purchased / nullif(clicked, 0), 0) AS click_to_purchase,
       purchased                                   AS completed,
       coalesce(completed / nullif(viewed, 0), 0)  AS view_to_purchase
FROM user_funnels GROUP BY window_start, window_end;

-- A view, clicks and a purchase of a user, with nothing else in between, within five minutes.
CREATE VIEW purchase_paths WITH (topic = 'purchase_paths') AS
SELECT user_id, entry_page, clicks, viewed_at, purchased_at, purchased_at - viewed_at AS duration_ms
FROM raw_events MATCH_RECOGNIZE (
  PARTITION BY user_id
  ORDER BY ts
  MEASURES view.page AS entry_page, view.ts AS viewed_at, count(click.*) AS clicks, purchase.ts AS purchased_at
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (view click+ purchase) WITHIN INTERVAL '5' MINUTE
  DEFINE view AS event = 'view', click AS event = 'click', purchase AS event = 'purchase'
);

-- A user who was not seen for a year is new again.
CREATE VIEW user_hours WITH (history = '365 days') AS
SELECT user_id, count(*) AS events, previous(window_end) IS NULL AS is_new
FROM raw_events GROUP BY user_id, TUMBLE(ts, INTERVAL '1' HOUR);

-- Returning are those who were seen before the hour began.
CREATE VIEW retention WITH (topic = 'retention') AS
SELECT count(*)                              AS users,
       count(*) FILTER (WHERE is_new)        AS new_users,
       count(*) FILTER (WHERE NOT is_new)    AS returning_users,
       returning_users / users               AS retention
FROM user_hours GROUP BY window_start, window_end;
