-- Times are milliseconds since the Unix epoch. Peers are 52 characters of base32.

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- `name` is what the peer calls itself: a claim. `addresses` is a JSON list of texts. `chosen` says that the
-- owner connected to it; who is neither chosen nor trusted may be forgotten.
CREATE TABLE peers (
    id TEXT PRIMARY KEY,
    name TEXT,
    relay TEXT,
    addresses TEXT NOT NULL,
    chosen INTEGER NOT NULL CHECK (chosen IN (0, 1)),
    added_ms INTEGER NOT NULL,
    seen_ms INTEGER
) STRICT;

-- A peer without a row here is untrusted.
CREATE TABLE trust (
    peer TEXT PRIMARY KEY,
    tier TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE trust_requests (
    peer TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    tier TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE components (
    digest TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    imports TEXT NOT NULL,
    added_ms INTEGER NOT NULL
) STRICT;

-- Who may see a skill is in its component's policy.toml.
CREATE TABLE skills (
    name TEXT PRIMARY KEY,
    component TEXT NOT NULL REFERENCES components (digest) ON DELETE CASCADE,
    card TEXT NOT NULL
) STRICT;
CREATE INDEX skills_component ON skills (component);

-- One MLS session per peer. `sent`, `acked` and `received` are the last sequence numbers used; 0 means none.
CREATE TABLE sessions (
    peer TEXT PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 32),
    sent INTEGER NOT NULL CHECK (sent >= 0),
    acked INTEGER NOT NULL CHECK (acked BETWEEN 0 AND sent),
    received INTEGER NOT NULL CHECK (received >= 0)
) STRICT;

-- What was encrypted and not yet acknowledged: a ratchet generation is used once, so resending sends this.
CREATE TABLE sealed (
    peer TEXT NOT NULL REFERENCES sessions (peer),
    seq INTEGER NOT NULL,
    ciphertext BLOB NOT NULL,
    PRIMARY KEY (peer, seq)
) STRICT;

-- `seq` names the sealed row that carries the message; NULL while it waits.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    peer TEXT NOT NULL,
    seq INTEGER,
    tag TEXT,
    body BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    FOREIGN KEY (peer, seq) REFERENCES sealed (peer, seq)
) STRICT;
CREATE INDEX outbox_order ON outbox (peer, seq, id);
CREATE INDEX outbox_age ON outbox (at_ms);

CREATE TABLE inbound (
    arrival INTEGER PRIMARY KEY,
    peer TEXT NOT NULL,
    id TEXT NOT NULL,
    skill TEXT NOT NULL,
    input TEXT NOT NULL,
    patience_ms INTEGER,
    state TEXT NOT NULL CHECK (state IN ('received', 'running', 'done')),
    reply BLOB,
    at_ms INTEGER NOT NULL,
    UNIQUE (peer, id)
) STRICT;
CREATE INDEX inbound_unfinished ON inbound (peer) WHERE state <> 'done';
CREATE INDEX inbound_age ON inbound (at_ms) WHERE state = 'done';

CREATE TABLE outbound (
    id TEXT PRIMARY KEY,
    peer TEXT NOT NULL,
    skill TEXT NOT NULL,
    input TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed', 'abandoned')),
    answer TEXT,
    at_ms INTEGER NOT NULL,
    done_ms INTEGER
) STRICT;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    peer TEXT,
    task TEXT,
    skill TEXT,
    detail TEXT NOT NULL
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
