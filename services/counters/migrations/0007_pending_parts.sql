-- What is pending, a part for each flush that left something: it holds what the flush added and names what it took out, so a
-- flush writes what came and not all that waits (services/counters/pending.py). What stands in counters.pending from before
-- is read with it, and the first flush that changes it moves it here; a process of the earlier version that still runs
-- neither sees nor touches parts, so nothing of them is lost by it.
CREATE TABLE counters.pending_parts (
    cluster text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    number bigint NOT NULL CHECK (number >= 0),
    body bytea NOT NULL,
    PRIMARY KEY (cluster, topic, part, number)
);
