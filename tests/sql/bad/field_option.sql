-- fail: unknown option "fields"; expected field, did you mean "field"?
CREATE TABLE t (a TEXT OPTIONS (fields = 'b'), ts TIMESTAMP);
