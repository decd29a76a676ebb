-- Conversations of many. `ended`: we were removed, what was said stays readable. `clock` is the highest number
-- that a message of the group had; what was said up to `floor` was thrown away.
CREATE TABLE groups (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    name TEXT NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    clock INTEGER NOT NULL CHECK (clock >= 0),
    floor INTEGER NOT NULL CHECK (floor >= 0),
    renewed_ms INTEGER NOT NULL
) STRICT;

-- Who is in it, as far as we know. Its rows keep an agent from being forgotten as a stranger.
CREATE TABLE group_members (
    group_id BLOB NOT NULL,
    peer TEXT NOT NULL,
    PRIMARY KEY (group_id, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_peer ON group_members (peer);

-- The steward's signed log. The commit that we came in by is not known here.
CREATE TABLE group_log (
    group_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    entry BLOB NOT NULL,
    body BLOB,
    PRIMARY KEY (group_id, epoch)
) STRICT;

-- The commit that we asked the steward to put into the log.
CREATE TABLE group_proposed (
    group_id BLOB PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Messages of epochs that we have not reached.
CREATE TABLE group_held (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    via TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX group_held_epoch ON group_held (group_id, epoch);

-- What we were asked into and the owner has not answered.
CREATE TABLE group_invites (
    group_id BLOB PRIMARY KEY CHECK (length(group_id) = 32),
    steward TEXT NOT NULL,
    name TEXT NOT NULL,
    members INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- Whom we asked in, as the steward, and who has not answered.
CREATE TABLE group_invited (
    group_id BLOB NOT NULL,
    peer TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (group_id, peer)
) STRICT, WITHOUT ROWID;

-- What we expect of a welcome.
CREATE TABLE group_tickets (
    group_id BLOB PRIMARY KEY CHECK (length(group_id) = 32),
    steward TEXT NOT NULL,
    name TEXT NOT NULL,
    package BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- `n` is the order of arrival here; (`seq`, `author`, `part`) is everybody's.
CREATE TABLE group_messages (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    author TEXT NOT NULL,
    part INTEGER NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    UNIQUE (group_id, seq, author, part)
) STRICT;
CREATE INDEX group_messages_id ON group_messages (group_id, id);

-- Messages that came and could not be read: who delivered them is asked for them anew.
CREATE TABLE group_missed (
    group_id BLOB NOT NULL,
    via TEXT NOT NULL,
    id TEXT NOT NULL,
    asked INTEGER NOT NULL,
    PRIMARY KEY (group_id, via, id)
) STRICT, WITHOUT ROWID;

-- Messages of ours that a member could not read, or was not sent yet. `times` counts within `epoch`.
CREATE TABLE group_owed (
    group_id BLOB NOT NULL,
    peer TEXT NOT NULL,
    id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    times INTEGER NOT NULL,
    due INTEGER NOT NULL CHECK (due IN (0, 1)),
    PRIMARY KEY (group_id, peer, id)
) STRICT, WITHOUT ROWID;
