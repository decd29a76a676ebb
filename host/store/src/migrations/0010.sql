-- What left for each peer, of each component and those whose place it took: private words in all, the keyed
-- shingles of them, and the bytes of output on one day (days since the Unix epoch).
CREATE TABLE drawn (
    peer TEXT NOT NULL,
    lineage TEXT NOT NULL,
    words INTEGER NOT NULL CHECK (words >= 0),
    seen BLOB NOT NULL,
    day INTEGER NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (peer, lineage)
) STRICT, WITHOUT ROWID;
