-- fail: option "text_topic" needs a template; expected one such as
CREATE TABLE t (a BIGINT, ts TIMESTAMP);
CREATE VIEW v WITH (text_topic = 't') AS
SELECT a, count(*) AS n FROM t GROUP BY a, TUMBLE(ts, INTERVAL '1' SECOND);
