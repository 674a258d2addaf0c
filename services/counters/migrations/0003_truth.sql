-- In which term of the home's writer this database is written; the first flush says so. It grows with each promotion,
-- and a flush is refused unless it is of the same term: a fork that was left behind, and a process with old settings,
-- both differ.
CREATE TABLE counters.writer_term (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    term integer NOT NULL CHECK (term > 0)
);

-- What became of a dead letter: when it was replayed or purged, in which transaction, and why.
ALTER TABLE counters.dead_letters
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled_tx xid8,
    ADD COLUMN note text;
CREATE INDEX dead_letters_state ON counters.dead_letters (state, created_at);

-- Where a recount of a partition starts: the next offset, the marks and the counts that the log before it gives, and
-- the snapshot in which they were compared. The log is not kept for ever, so a recount cannot start at its beginning.
CREATE TABLE counters.checkpoints (
    cluster text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    body bytea NOT NULL,
    snapshot pg_snapshot NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster, topic, part)
);
