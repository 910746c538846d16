-- fail: every row has a "source_record" of its own
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k AS source_record FROM t;
