-- fail: column "b" names a field in OPTIONS, but the records are plain text
CREATE TABLE t (b TEXT OPTIONS (field = 'x'), ts TIMESTAMP) WITH (
  format = 'text', pattern = '{b} {ts}'
);
