-- fail: format = 'text' needs a pattern; expected one such as
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text'
);
