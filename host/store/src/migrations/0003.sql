-- A component's own line: the same for all that take its place one after another, and for no other one.
-- What callers are called towards it hangs on this, so that what it remembers of each of them stays theirs.
ALTER TABLE components ADD COLUMN lineage TEXT NOT NULL DEFAULT '';
UPDATE components SET lineage = lower(hex(randomblob(16)));
