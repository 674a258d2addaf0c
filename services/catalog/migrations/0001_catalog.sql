-- A channel lies in its owner's bucket, a video in its channel's, a comment in its video's: the buckets are in the ids.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE TABLE catalog.channels (
    id bigint PRIMARY KEY,
    owner_id bigint NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT name_length CHECK (char_length(name) BETWEEN 1 AND 80),
    CONSTRAINT description_length CHECK (char_length(description) <= 1000)
);
CREATE UNIQUE INDEX channels_by_owner ON catalog.channels (owner_id, lower(name));

-- Arrays have no immutable conversion to text of their own, and a generated column needs one.
CREATE FUNCTION catalog.tag_text(tags text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(tags, ' ');

CREATE TABLE catalog.videos (
    id bigint PRIMARY KEY,
    channel_id bigint NOT NULL REFERENCES catalog.channels (id),
    owner_id bigint NOT NULL,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    visibility text NOT NULL DEFAULT 'public',
    state text NOT NULL DEFAULT 'uploading',
    progress smallint NOT NULL DEFAULT 0,
    rungs text[] NOT NULL DEFAULT '{}',
    failure_code text,
    failure_message text,
    duration_ms bigint,
    width integer,
    height integer,
    -- Keys of objects in the media bucket; the first two appear with the first playable rung.
    hls_key text,
    dash_key text,
    poster_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    deleted_at timestamptz,
    search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title), 'A')
        || setweight(to_tsvector('english', title), 'A')
        || setweight(to_tsvector('simple', catalog.tag_text(tags)), 'B')
        || setweight(to_tsvector('english', description), 'C')
    ) STORED,
    CONSTRAINT title_length CHECK (char_length(title) BETWEEN 1 AND 120),
    CONSTRAINT description_length CHECK (char_length(description) <= 5000),
    CONSTRAINT tag_count CHECK (cardinality(tags) <= 20),
    CONSTRAINT visibility_known CHECK (visibility IN ('public', 'unlisted', 'private')),
    CONSTRAINT state_known CHECK (state IN ('uploading', 'processing', 'ready', 'failed')),
    CONSTRAINT progress_percent CHECK (progress BETWEEN 0 AND 100),
    CONSTRAINT failure_has_reason CHECK ((state = 'failed') = (failure_code IS NOT NULL)),
    CONSTRAINT ready_is_playable CHECK (state <> 'ready' OR (hls_key IS NOT NULL AND duration_ms > 0))
);
CREATE INDEX videos_of_channel ON catalog.videos (channel_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX videos_fresh ON catalog.videos (published_at DESC, id DESC)
    WHERE deleted_at IS NULL AND state = 'ready' AND visibility = 'public';
CREATE INDEX videos_by_words ON catalog.videos USING gin (search);
CREATE INDEX videos_by_title ON catalog.videos USING gin (lower(title) gin_trgm_ops);
CREATE INDEX videos_by_tag ON catalog.videos USING gin (tags);

CREATE TABLE catalog.comments (
    id bigint PRIMARY KEY,
    video_id bigint NOT NULL REFERENCES catalog.videos (id),
    author_id bigint NOT NULL,
    author_name text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT body_length CHECK (char_length(body) BETWEEN 1 AND 2000),
    CONSTRAINT author_name_length CHECK (char_length(author_name) BETWEEN 1 AND 80)
);
CREATE INDEX comments_of_video ON catalog.comments (video_id, id DESC);

-- What everybody may find.
CREATE VIEW catalog.published AS
    SELECT v.id, v.channel_id, v.owner_id, c.name AS channel_name, v.title, v.description, v.tags, v.duration_ms,
           v.poster_key, v.published_at, v.search
    FROM catalog.videos v
    JOIN catalog.channels c ON c.id = v.channel_id
    WHERE v.deleted_at IS NULL AND v.state = 'ready' AND v.visibility = 'public';
