-- fail: column "a" has a DEFAULT, but records of plain text are taken as they are; expected none
CREATE TABLE t (a TEXT DEFAULT uuidv7(), ts TIMESTAMP) WITH (format = 'text', pattern = '{a} {ts}');
