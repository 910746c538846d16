-- The first and the last value by event time.
CREATE TABLE events (
  user_id TEXT NOT NULL, kind TEXT, page TEXT, amount DOUBLE, quantity BIGINT, metadata JSON, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id');

CREATE VIEW ends AS
SELECT user_id, first(page) AS landed, first_value(page) AS landed_too, any_value(page) AS some_page,
       last(metadata) AS latest, last_value(page) FILTER (WHERE kind = 'view') AS left_from
FROM events GROUP BY user_id, SESSION(ts, INTERVAL '30' MINUTE);
