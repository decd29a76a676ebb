-- What components remember. It belongs to a component, for all its skills, and goes with it: one that is
-- installed later under the same names starts with nothing. `bucket` is `skill`, or `caller:` and a pseudonym.
CREATE TABLE state (
    component TEXT NOT NULL REFERENCES components (digest) ON DELETE CASCADE,
    bucket TEXT NOT NULL CHECK (bucket = 'skill' OR bucket GLOB 'caller:?*'),
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (component, bucket, key)
) STRICT;
