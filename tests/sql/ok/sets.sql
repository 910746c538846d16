-- Sets of values, as arrays, as texts and counted.
CREATE TABLE events (
  user_id TEXT NOT NULL, kind TEXT, page TEXT, amount DOUBLE, quantity BIGINT, metadata JSON, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id');

CREATE VIEW sets AS
SELECT array_agg(DISTINCT kind) AS kinds,
       string_agg(DISTINCT page, ', ') FILTER (WHERE page <> '') AS pages,
       string_agg(DISTINCT quantity, '') AS quantities,
       count(DISTINCT page) AS exactly, approx_count_distinct(page) AS roughly,
       cardinality(kinds) AS how_many
FROM events GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);
