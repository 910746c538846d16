-- Regular expressions: compiled as the SQL is read, so patterns are constants.
CREATE TABLE requests (
  path TEXT NOT NULL, agent TEXT, ts TIMESTAMP NOT NULL
) WITH (topic = 'requests');

CREATE VIEW products AS
SELECT regexp_extract(path, '^/product/([0-9]+)', 1) AS product,
       regexp_replace(agent, '([A-Za-z]+)/[0-9.]+', '$1') AS browser,
       count(*) AS n,
       count(*) FILTER (WHERE regexp_like(agent, 'bot|crawler')) AS bots,
       count(*) FILTER (WHERE agent NOT REGEXP '^Mozilla') AS others,
       count(*) FILTER (WHERE regexp(path, '\?' || 'q=')) AS searches
FROM requests
WHERE path SIMILAR TO '/(product|cart)/%' AND regexp_extract(path, '[0-9]+') IS NOT NULL
GROUP BY product, browser, TUMBLE(ts, INTERVAL '1' MINUTE);
