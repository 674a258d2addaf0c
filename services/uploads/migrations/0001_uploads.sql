-- An upload has the id of its video, so it lies in the video's bucket.
CREATE TABLE uploads.uploads (
    video_id bigint PRIMARY KEY,
    owner_id bigint NOT NULL,
    multipart_id text NOT NULL,
    file_name text NOT NULL,
    size bigint NOT NULL,
    part_size integer NOT NULL,
    state text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT state_known CHECK (state IN ('open', 'complete', 'aborted')),
    CONSTRAINT size_positive CHECK (size > 0 AND part_size > 0)
);
CREATE INDEX open_by_owner ON uploads.uploads (owner_id) WHERE state = 'open';
