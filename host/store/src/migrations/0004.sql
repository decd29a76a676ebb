-- Trust that ends by itself. `tier` is what is left when the lease has ended. `shut`: the owner or the peer's
-- own conduct brought it to UNTRUSTED, and an invite does not open that.
ALTER TABLE trust ADD COLUMN lease_tier TEXT;
ALTER TABLE trust ADD COLUMN lease_until_ms INTEGER;
ALTER TABLE trust ADD COLUMN lease_calls INTEGER CHECK (lease_calls >= 0);
ALTER TABLE trust ADD COLUMN lease_goal INTEGER NOT NULL DEFAULT 0 CHECK (lease_goal IN (0, 1));
ALTER TABLE trust ADD COLUMN provider_row INTEGER NOT NULL DEFAULT 0 CHECK (provider_row >= 0);
ALTER TABLE trust ADD COLUMN provider_total INTEGER NOT NULL DEFAULT 0 CHECK (provider_total >= 0);
ALTER TABLE trust ADD COLUMN caller_row INTEGER NOT NULL DEFAULT 0 CHECK (caller_row >= 0);
ALTER TABLE trust ADD COLUMN caller_total INTEGER NOT NULL DEFAULT 0 CHECK (caller_total >= 0);
ALTER TABLE trust ADD COLUMN shut INTEGER NOT NULL DEFAULT 0 CHECK (shut IN (0, 1));
UPDATE trust SET shut = 1 WHERE tier = 'untrusted';
CREATE INDEX trust_lease_end ON trust (lease_until_ms) WHERE lease_until_ms IS NOT NULL;

-- Every change of a peer's tier, with its reason. `note` is the owner's word on it.
CREATE TABLE trust_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    peer TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE INDEX trust_log_peer ON trust_log (peer, seq);

CREATE TRIGGER trust_log_keeps_rows BEFORE DELETE ON trust_log
BEGIN
    SELECT RAISE(ABORT, 'the trust log is append-only');
END;

CREATE TRIGGER trust_log_keeps_words BEFORE UPDATE ON trust_log
BEGIN
    SELECT RAISE(ABORT, 'the trust log is append-only');
END;

-- Grants that go with an invite code. The secret in the code is not here, only its SHA-256.
CREATE TABLE invite_tokens (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    tier TEXT NOT NULL,
    span_ms INTEGER,
    calls INTEGER,
    until_goal INTEGER NOT NULL CHECK (until_goal IN (0, 1)),
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    expires_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    note TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE invite_uses (
    token BLOB NOT NULL REFERENCES invite_tokens (hash),
    peer TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (token, peer)
) STRICT, WITHOUT ROWID;

-- `role` is ours in the call. A draft has the provider's signature, a complete one both. A disputed one has
-- the provider's, and says something else than we know.
CREATE TABLE receipts (
    peer TEXT NOT NULL,
    id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('caller', 'provider')),
    state TEXT NOT NULL CHECK (state IN ('draft', 'complete', 'disputed')),
    envelope BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (peer, id, role)
) STRICT;
CREATE INDEX receipts_age ON receipts (at_ms);
CREATE INDEX receipts_id ON receipts (id);

-- The audit log anew, each row with the SHA-256 of the row before it and its own words. The rows are copied by
-- the program, which computes the hashes.
DROP TRIGGER audit_keeps_rows;
DROP TRIGGER audit_keeps_words;
DROP INDEX audit_peer;
DROP INDEX audit_skill;
ALTER TABLE audit RENAME TO audit_unchained;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    peer TEXT,
    task TEXT,
    skill TEXT,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_peer ON audit (peer, seq);
CREATE INDEX audit_skill ON audit (skill, seq);

CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_keeps_words BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- The last row that this agent's identity key signed for. One only: an older one would let the end be cut off.
CREATE TABLE audit_seal (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
