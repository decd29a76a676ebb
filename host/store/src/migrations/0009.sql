-- Goals of ours. `plan`, `shown` (what its agents showed us when it was made) and `input` are JSON, the agent's to
-- read, as are all `why`. Ids are UUIDs.
CREATE TABLE goals (
    id TEXT PRIMARY KEY,
    objective TEXT NOT NULL,
    plan TEXT NOT NULL,
    shown TEXT NOT NULL,
    input TEXT NOT NULL,
    group_id BLOB,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'running', 'done', 'failed', 'cancelled')),
    why TEXT,
    at_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    done_ms INTEGER
) STRICT;
CREATE INDEX goals_open ON goals (at_ms) WHERE done_ms IS NULL;

-- The other agents of a goal of ours. `proposal` is the id of the message that asked. `parted`: it had accepted, and
-- the goal has ended for our trust in it.
CREATE TABLE goal_parties (
    goal TEXT NOT NULL REFERENCES goals (id) ON DELETE CASCADE,
    peer TEXT NOT NULL,
    proposal TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'accepted', 'rejected', 'parted')),
    why TEXT,
    reported TEXT,
    PRIMARY KEY (goal, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX goal_parties_proposal ON goal_parties (proposal);

-- `request` is the id of the latest attempt, chosen before it is sent; `again_ms` when to try the next.
CREATE TABLE goal_steps (
    goal TEXT NOT NULL REFERENCES goals (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    step TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'skipped')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    request TEXT,
    again_ms INTEGER,
    output TEXT,
    why TEXT,
    began_ms INTEGER,
    done_ms INTEGER,
    fuel INTEGER,
    input_bytes INTEGER,
    output_bytes INTEGER,
    PRIMARY KEY (goal, n)
) STRICT, WITHOUT ROWID;

-- Goals of peers that we were asked to take part in, with our part.
CREATE TABLE goal_shares (
    peer TEXT NOT NULL,
    goal TEXT NOT NULL,
    proposal TEXT NOT NULL,
    offer TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('asked', 'accepted', 'denied', 'done', 'failed', 'cancelled', 'expired')),
    at_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    done_ms INTEGER,
    PRIMARY KEY (peer, goal)
) STRICT, WITHOUT ROWID;

-- Steps of them that ended well here.
CREATE TABLE goal_served (
    peer TEXT NOT NULL,
    goal TEXT NOT NULL,
    step TEXT NOT NULL,
    request TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (peer, goal, step),
    FOREIGN KEY (peer, goal) REFERENCES goal_shares (peer, goal) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
