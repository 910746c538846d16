-- fail: column "a" is NOT NULL and has no hole in the pattern; expected {a} in it
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = '{b} at {ts}'
);
