-- What users are told, in the database of the user's bucket, each thing once.
CREATE TABLE counters.notifications (
    user_id bigint NOT NULL,
    kind text NOT NULL,
    subject bigint NOT NULL,
    -- What the subject belongs to: the video of a comment.
    under bigint,
    at_ms bigint NOT NULL,
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, kind, subject)
);
CREATE INDEX notifications_newest ON counters.notifications (user_id, at_ms DESC, subject DESC);
CREATE INDEX notifications_created_at ON counters.notifications (created_at);
GRANT SELECT, UPDATE (read_at) ON counters.notifications TO engagement;
GRANT SELECT ON counters.subscription_states TO engagement;

-- Dead letters are copied to a topic for others; the row remains the letter.
ALTER TABLE counters.dead_letters ADD COLUMN mirrored_at timestamptz;
CREATE INDEX dead_letters_unmirrored ON counters.dead_letters (created_at) WHERE mirrored_at IS NULL;
GRANT SELECT, UPDATE (mirrored_at) ON counters.dead_letters TO engagement;

CREATE INDEX marks_updated_at ON counters.marks (updated_at);
