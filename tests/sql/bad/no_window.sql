-- fail: this view has no window; expected GROUP BY with one of TUMBLE(ts, size), HOP(ts, slide, size), SESSION(ts, gap)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k;
