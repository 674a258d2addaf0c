-- Counts, the states that they follow from, and the bookkeeping that makes a replay of any log change nothing.
-- All of it lies in the database of the cell that is home to the subject (a video or a channel).

CREATE TABLE counters.views (
    subject bigint NOT NULL,
    region text NOT NULL,
    views bigint NOT NULL,
    watched_ms bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, region)
);

CREATE TABLE counters.reactions (
    subject bigint NOT NULL,
    region text NOT NULL,
    likes bigint NOT NULL,
    dislikes bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, region)
);

CREATE TABLE counters.comments (
    subject bigint NOT NULL,
    region text NOT NULL,
    comments bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, region)
);

CREATE TABLE counters.subscriptions (
    subject bigint NOT NULL,
    region text NOT NULL,
    subscribers bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, region)
);

-- States: the last writer by (at_ms, event) wins; member is the user, or the comment.
CREATE TABLE counters.reaction_states (
    subject bigint NOT NULL,
    member bigint NOT NULL,
    value smallint NOT NULL,
    at_ms bigint NOT NULL,
    event uuid NOT NULL,
    region text NOT NULL,
    PRIMARY KEY (subject, member)
);

CREATE TABLE counters.comment_states (LIKE counters.reaction_states INCLUDING ALL);
CREATE TABLE counters.subscription_states (LIKE counters.reaction_states INCLUDING ALL);

-- The next offset to read of a partition in the log of one cluster. Compared and set by every flush: a stopped owner
-- that wakes up finds another number and writes nothing.
CREATE TABLE counters.positions (
    cluster text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    last_time_ms bigint NOT NULL,
    PRIMARY KEY (cluster, topic, part)
);

-- The last sequence that was counted of each incarnation of a producer. The origin is that of the record's stamp, so a
-- copy of a log finds the marks of its original. A row goes only when no log can hold the incarnation any more.
CREATE TABLE counters.marks (
    origin text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    incarnation uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, topic, part, incarnation)
);

-- What was read and not yet added to the counts: keys that are too cold for a row in each flush.
CREATE TABLE counters.pending (
    cluster text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (cluster, topic, part)
);

-- Events that can never be counted, with what is needed to judge them again. Index -1: the whole record.
CREATE TABLE counters.dead_letters (
    origin text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    incarnation uuid NOT NULL,
    sequence bigint NOT NULL,
    index integer NOT NULL,
    cluster text NOT NULL,
    log_offset bigint NOT NULL,
    reason text NOT NULL,
    stamp bytea NOT NULL,
    body bytea NOT NULL,
    version text NOT NULL,
    state text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replayed', 'purged')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, topic, part, incarnation, sequence, index)
);

-- One row per flush: whose counts changed. Readers keep a place of their own by transaction id, so a row that commits
-- late is not passed over.
CREATE TABLE counters.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    topic text NOT NULL,
    subjects bigint[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_tx ON counters.outbox (tx);
CREATE INDEX outbox_created_at ON counters.outbox (created_at);

-- Which process of the cell reads which slot of its cluster's partitions. Only to share work: what keeps two owners
-- from counting twice is the position.
CREATE TABLE counters.members (
    member uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
CREATE TABLE counters.leases (
    slot integer PRIMARY KEY,
    member uuid NOT NULL,
    until timestamptz NOT NULL
);

CREATE VIEW counters.video_totals AS
SELECT
    video_id,
    sum(views)::bigint AS views,
    sum(likes)::bigint AS likes,
    sum(dislikes)::bigint AS dislikes,
    sum(comments)::bigint AS comments,
    max(updated_at) AS updated_at
FROM (
    SELECT subject AS video_id, views, 0 AS likes, 0 AS dislikes, 0 AS comments, updated_at FROM counters.views
    UNION ALL
    SELECT subject, 0, likes, dislikes, 0, updated_at FROM counters.reactions
    UNION ALL
    SELECT subject, 0, 0, 0, comments, updated_at FROM counters.comments
) AS parts
GROUP BY video_id;

CREATE VIEW counters.channel_totals AS
SELECT subject AS channel_id, sum(subscribers)::bigint AS subscribers, max(updated_at) AS updated_at
FROM counters.subscriptions
GROUP BY subject;

GRANT USAGE ON SCHEMA counters TO catalog, search, recommendations, engagement;
GRANT SELECT ON counters.video_totals, counters.channel_totals TO catalog, search, recommendations, engagement;
GRANT SELECT ON counters.marks, counters.reaction_states, counters.subscription_states TO engagement;
