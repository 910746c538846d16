-- fail: {a} stands twice in the pattern; expected once
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = '{a} {A} {ts}'
);
