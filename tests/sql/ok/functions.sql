-- Scalar functions within aggregates.
CREATE TABLE requests (
  path TEXT NOT NULL, took DOUBLE, at BIGINT, body JSON, ts TIMESTAMP NOT NULL
) WITH (topic = 'requests');

CREATE VIEW texts AS
SELECT max(position('?' IN path)) AS a, max(strpos(path, '?')) AS b, max(instr(path, '#')) AS c,
       min(replace(path, '/', '')) AS d, min(right(path, 2)) AS e,
       min(lpad(path, 20)) AS f, min(rpad(path, 20, '.')) AS g
FROM requests GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);

CREATE VIEW others AS
SELECT sum(sqrt(took) + power(took, 2) + pow(at, 2) + exp(took) + ln(took) + log10(took) + sign(took)) AS h,
       sum(json_array_length(body -> 'tags') + cardinality(json_query(body, '$.tags'))) AS i,
       max(array_to_string(json_extract(body, '$[0].tags'), ',')) AS j, max(array_join(body, ';')) AS k,
       max(to_timestamp(took)) AS l, max(to_timestamp(at)) AS m, max(to_timestamp(path)) AS o,
       max(epoch_ms(ts)) AS p, max(epoch_ms(at)) AS q
FROM requests GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);
