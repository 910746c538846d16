-- fail: misspelt_option.sql:2:46: unknown option "watermark_dely"; expected one of topic, key, event_time, watermark_delay, max_ahead, format, pattern, schema, message, route, websocket, did you mean "watermark_delay"?
CREATE TABLE t (k TEXT, ts TIMESTAMP)  WITH (watermark_dely = '1 s');
