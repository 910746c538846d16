-- fail: column "a" is TEXT and has DEFAULT now(); expected uuidv7() for a TEXT
CREATE TABLE t (a TEXT DEFAULT now(), ts TIMESTAMP);
