-- fail: table constraints are not supported, found PRIMARY KEY (k)
CREATE TABLE t (k TEXT, ts TIMESTAMP, PRIMARY KEY (k));
