-- Percentiles and spreads, under every name.
CREATE TABLE events (
  user_id TEXT NOT NULL, kind TEXT, page TEXT, amount DOUBLE, quantity BIGINT, metadata JSON, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id');

CREATE VIEW figures AS
SELECT approx_percentile(amount, 0.95) AS p95, percentile_approx(quantity, 1 / 2) AS median,
       APPROX_QUANTILE(amount, 1) AS largest,
       stddev(amount) AS a, stddev_samp(amount) AS b, stddev_pop(quantity) AS c,
       variance(amount) AS d, var_samp(amount) AS e, var_pop(amount) AS f,
       a / avg(amount) AS relative
FROM events GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);
