-- fail: column "ts" is the event time and has no hole in the pattern; expected {ts} in it
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = '{a} at {b}'
);
