-- fail: `}` closes nothing; expected `}}` for a brace, in option "pattern"
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = '{a} at {ts}}'
);
