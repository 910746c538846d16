-- Computed keys.
CREATE TABLE requests (
  path TEXT NOT NULL, took DOUBLE, at BIGINT, body JSON, ts TIMESTAMP NOT NULL
) WITH (topic = 'requests');

CREATE VIEW by_hour AS
SELECT EXTRACT(HOUR FROM ts) AS hour, date_trunc('day', ts) AS day, count(*) AS n
FROM requests GROUP BY EXTRACT(HOUR FROM ts), date_trunc('DAY', ts), TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW by_path AS
SELECT split_part(path, '/', 2) AS head, CASE WHEN took > 1 THEN 'slow' ELSE 'fast' END AS speed,
       json_value(body, '$.device.name') AS device, body -> 'tags' ->> 0 AS tag,
       coalesce(nullif(left(path, 3), '/'), 'home') AS short,
       count(*) FILTER (WHERE starts_with(path, '/p/') AND NOT ends_with(path, '.css')) AS pages,
       count(*) FILTER (WHERE path IN ('/a', '/b') OR path LIKE '/c%' OR took BETWEEN 1 AND 2) AS some
FROM requests
GROUP BY head, speed, device, tag, short, HOP(ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE);
