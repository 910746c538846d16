-- fail: option "template" needs a topic for its text; expected text_topic
CREATE TABLE t (a BIGINT, ts TIMESTAMP);
CREATE VIEW v WITH (template = '{a}: {n}') AS
SELECT a, count(*) AS n FROM t GROUP BY a, TUMBLE(ts, INTERVAL '1' SECOND);
