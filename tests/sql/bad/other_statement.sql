-- fail: other_statement.sql:2:1: found DROP ...; expected CREATE TABLE or CREATE VIEW
DROP TABLE t;
