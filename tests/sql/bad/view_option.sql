-- fail: unknown option "alowed_lateness"; expected one of topic, text_topic, template, allowed_lateness
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v WITH (alowed_lateness = '1 s') AS SELECT k, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
