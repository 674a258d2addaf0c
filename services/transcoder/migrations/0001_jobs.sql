-- One row per video that was ever taken from the queue. It lies in the video's bucket, beside the catalogue's row, so
-- that a rung and what the catalogue says of it are written in one transaction.
CREATE TABLE transcoder.jobs (
    video_id bigint PRIMARY KEY,
    -- Grows with each claim; whoever holds an older number may write nothing any more.
    attempt integer NOT NULL,
    worker text NOT NULL,
    -- The queue message on which the claim rests: another message for the same video is a duplicate.
    message_id text NOT NULL,
    lease_until timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'running',
    -- Tracks whose segments are all in the media bucket: a retry goes on after them.
    tracks jsonb NOT NULL DEFAULT '[]',
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT state_known CHECK (state IN ('running', 'done', 'refused'))
);
