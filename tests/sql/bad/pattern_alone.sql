-- fail: :3:13: option "pattern" is for plain text; expected format = 'text' beside it
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  pattern = '{a} at {ts}'
);
