-- From schema 2 to 3. Frozen: what later versions change is in later steps.
CREATE TABLE scenarios (name TEXT PRIMARY KEY, note TEXT NOT NULL, at TEXT NOT NULL, changes TEXT NOT NULL);
