-- fail: :3:38: `{` is not closed; expected a hole such as {user_id}, or `{{` for a brace, in option
CREATE TABLE t (a BIGINT NOT NULL, b TEXT, ts TIMESTAMP NOT NULL) WITH (
  format = 'text', pattern = '{a} at {ts'
);
