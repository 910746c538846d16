-- fail: column "k" is declared twice
CREATE TABLE t (k TEXT, k TEXT, ts TIMESTAMP);
