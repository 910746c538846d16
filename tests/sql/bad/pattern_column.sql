-- fail: :3:36: unknown column "aa"; expected one of a, b, ts, did you mean "a"? in option "pattern"
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = 'äöü: {aa} at {ts}'
);
