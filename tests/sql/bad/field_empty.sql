-- fail: option "field" is 'a,, b'; expected the names of at most 100 fields with commas between
CREATE TABLE t (a TEXT OPTIONS (field = 'a,, b'), ts TIMESTAMP);
