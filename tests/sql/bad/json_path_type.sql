-- fail: json_path_type.sql:3:43: the first argument of json_value has to be JSON, found TEXT: k
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(json_value(k, '$')) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
