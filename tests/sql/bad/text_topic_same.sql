-- fail: option "text_topic" is 't', where the rows go as JSON; expected another topic
CREATE TABLE t (a BIGINT, ts TIMESTAMP);
CREATE VIEW v WITH (topic = 't', text_topic = 't', template = '{a}: {n}') AS
SELECT a, count(*) AS n FROM t GROUP BY a, TUMBLE(ts, INTERVAL '1' SECOND);
