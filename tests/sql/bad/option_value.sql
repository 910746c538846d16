-- fail: option "watermark_delay" is 2000; expected a span of time such as '10 seconds'
CREATE TABLE t (k TEXT, ts TIMESTAMP) WITH (watermark_delay = 2000);
