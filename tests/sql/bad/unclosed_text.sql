-- fail: unclosed_text.sql:2:54: unterminated string literal
CREATE TABLE t (k TEXT, ts TIMESTAMP) WITH  (topic = 'x
