-- fail: "USERID" fits several columns that differ in case; write it in double quotes
CREATE TABLE t (userId TEXT, userid TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT count(USERID) AS c FROM t GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);
