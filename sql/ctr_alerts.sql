-- Products whose click-through rate fell or rose: each window of ten seconds against the windows before it.

-- What to expect is the rate of the windows before, of which each counts nine tenths of the one after it; "before" are
-- their impressions, so weighted. z is that of the test of two proportions: how many standard errors lie between the
-- rate and what was expected. It is NULL where there is nothing to compare with.
CREATE VIEW ctr_trend WITH (topic = 'ctr_trend') AS
SELECT product_id, impressions, clicks, ctr,
       previous(ctr)                                                    AS previous_ctr,
       impressions + 0.9 * coalesce(previous(weighted_impressions), 0)  AS weighted_impressions,
       clicks + 0.9 * coalesce(previous(weighted_clicks), 0)            AS weighted_clicks,
       previous(weighted_impressions)                                   AS before,
       previous(weighted_clicks) / before                               AS expected_ctr,
       (clicks + previous(weighted_clicks)) / (impressions + before)    AS pooled,
       sqrt(pooled * (1 - pooled) * (1 / impressions + 1 / before))     AS standard_error,
       (ctr - expected_ctr) / standard_error                            AS z
FROM ctr;

-- The threshold is the rate from which on it is told: three standard errors from what was expected.
CREATE VIEW ctr_alerts WITH (alert = true, cooldown = '5 minutes') AS
SELECT if(z < 0, 'ctr_fell', 'ctr_rose')              AS rule,
       product_id,
       'ctr'                                          AS metric_name,
       ctr                                            AS metric_value,
       expected_ctr + 3 * sign(z) * standard_error    AS threshold,
       CASE WHEN abs(z) >= 5 THEN 'CRITICAL' WHEN abs(z) >= 4 THEN 'HIGH' ELSE 'MEDIUM' END AS severity,
       window_end                                     AS detected_at,
       concat('click-through rate ', if(z < 0, 'fell', 'rose'), ' to ', round(ctr, 4), ' (', clicks, ' clicks, ',
              impressions, ' impressions) where ', round(expected_ctr, 4), ' was expected, z ', round(z, 1)) AS details
FROM ctr_trend
WHERE impressions >= 50 AND before >= 200 AND abs(z) >= 3;
