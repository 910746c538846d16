-- fail: column "a" is BIGINT and has DEFAULT 'x'; expected uuidv7() for a TEXT, now() for a TIMESTAMP, or a constant of the column's type
CREATE TABLE t (a BIGINT DEFAULT 'x', ts TIMESTAMP);
