-- fail: nothing stands between {a} and {ts}; expected text that tells where the first ends
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = '{a}{ts}'
);
