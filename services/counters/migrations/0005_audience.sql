-- Different viewers of a video on a day (UTC of the event), by the region that took the events: sketches that merge
-- (services/common/sketch.py), and how far the batch over the log has come.
CREATE TABLE counters.audience (
    subject bigint NOT NULL,
    day date NOT NULL,
    region text NOT NULL,
    sketch bytea NOT NULL,
    viewers bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, day, region)
);
CREATE TABLE counters.audience_positions (
    cluster text NOT NULL,
    part integer NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (cluster, part)
);
GRANT SELECT ON counters.audience TO engagement;
