-- Requests whose caller need not wait. `expires_ms` is when it is too late: by the caller's clock in both
-- tables. NULL in `outbound` is a call, whose caller waits while it runs.
ALTER TABLE inbound ADD COLUMN expires_ms INTEGER;
ALTER TABLE inbound ADD COLUMN version TEXT;

CREATE TABLE outbound_next (
    id TEXT PRIMARY KEY,
    peer TEXT NOT NULL,
    skill TEXT NOT NULL,
    input TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed', 'abandoned', 'cancelled', 'expired')),
    expires_ms INTEGER,
    running INTEGER NOT NULL DEFAULT 0 CHECK (running IN (0, 1)),
    answer TEXT,
    at_ms INTEGER NOT NULL,
    done_ms INTEGER
) STRICT;
INSERT INTO outbound_next (id, peer, skill, input, state, answer, at_ms, done_ms)
    SELECT id, peer, skill, input, state, answer, at_ms, done_ms FROM outbound;
DROP TABLE outbound;
ALTER TABLE outbound_next RENAME TO outbound;
CREATE INDEX outbound_age ON outbound (at_ms);
CREATE INDEX outbound_expiry ON outbound (expires_ms) WHERE state = 'waiting';
CREATE INDEX inbound_arrival ON inbound (at_ms);

-- What a peer showed us when we last asked. `hash` is of the whole list, `cards` its JSON; `asked_ms` is when
-- the peer last said that it is so.
CREATE TABLE shown_cards (
    peer TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    cards TEXT NOT NULL,
    asked_ms INTEGER NOT NULL
) STRICT;
