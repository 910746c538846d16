-- fail: x is not the event time
CREATE TABLE e (k TEXT NOT NULL, other TEXT, x BIGINT, j JSON, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW v AS
SELECT *
FROM e MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY x
  MEASURES count(*) AS n
   
  PATTERN (a b+) WITHIN INTERVAL '1' MINUTE
  DEFINE a AS x = 1, b AS x > 1
);
