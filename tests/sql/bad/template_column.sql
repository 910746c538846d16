-- fail: unknown column "clicks"; expected one of a, n, window_start, window_end, revision, view in option "template"
CREATE TABLE t (a BIGINT, ts TIMESTAMP);
CREATE VIEW v WITH (text_topic = 't', template = '{a}: {clicks}') AS
SELECT a, count(*) AS n FROM t GROUP BY a, TUMBLE(ts, INTERVAL '1' SECOND);
