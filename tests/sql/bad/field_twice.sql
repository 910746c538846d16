-- fail: field "ts" feeds column "a" already; expected a field that feeds one column
CREATE TABLE t (a TEXT OPTIONS (field = 'ts'), ts TIMESTAMP);
