-- fail: expected last(x.column), or last(x.column, n) with n from 0 to 1000
CREATE TABLE e (k TEXT NOT NULL, other TEXT, x BIGINT, j JSON, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW v AS
SELECT *
FROM e MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY ts
  MEASURES count(*) AS n
   
  PATTERN (a b+) WITHIN INTERVAL '1' MINUTE
  DEFINE b AS x > LAST(x, x)
);
