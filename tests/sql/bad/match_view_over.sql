-- fail: view "w" has a row for each match and no windows; expected a table, or a view with a window
CREATE TABLE e (k TEXT NOT NULL, other TEXT, x BIGINT, j JSON, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW w AS SELECT * FROM e MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY ts PATTERN (a) WITHIN INTERVAL '1' MINUTE DEFINE a AS x > 1
);
CREATE VIEW v AS SELECT k FROM w;
