-- The last row that the owner had thrown away of the audit log, with all before it; the next row follows it. Signed
-- with the identity key: somebody else's cut is a log that lacks rows.
CREATE TABLE audit_base (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

DROP TRIGGER audit_keeps_rows;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
WHEN old.seq > coalesce((SELECT seq FROM audit_base), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
