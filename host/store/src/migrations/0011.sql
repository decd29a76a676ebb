-- What the language model was used for: by the components of one line, for callers of one tier, on one day (UTC;
-- days since 1970). What is under way counts as the most that it may become.
CREATE TABLE model_spent (
    day INTEGER NOT NULL,
    lineage TEXT NOT NULL,
    tier TEXT NOT NULL,
    calls INTEGER NOT NULL CHECK (calls >= 0),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    micros INTEGER NOT NULL CHECK (micros >= 0),
    PRIMARY KEY (day, lineage, tier)
) STRICT, WITHOUT ROWID;
