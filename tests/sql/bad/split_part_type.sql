-- fail: split_part_type.sql:3:51: an argument of split_part has to be BIGINT, found TEXT: k
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(split_part(k, 'a', k)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
