-- fail: syntax.sql:2:33: expected ',' or ')' after column definition, found WHERE
CREATE TABLE t (k TEXT NOT NULL WHERE);
