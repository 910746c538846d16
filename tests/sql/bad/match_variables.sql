-- fail: expected at most 32 variables in a pattern
CREATE TABLE e (k TEXT NOT NULL, other TEXT, x BIGINT, j JSON, ts TIMESTAMP NOT NULL) WITH (key = 'k');
CREATE VIEW v AS
SELECT *
FROM e MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY ts
  MEASURES count(*) AS n
   
  PATTERN (v0 v1 v2 v3 v4 v5 v6 v7 v8 v9 v10 v11 v12 v13 v14 v15 v16 v17 v18 v19 v20 v21 v22 v23 v24 v25 v26 v27 v28 v29 v30 v31 v32) WITHIN INTERVAL '1' MINUTE
  DEFINE v1 AS x = 1
);
