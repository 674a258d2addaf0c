-- Videos whose channel's subscribers are to be told: written in the transaction that makes a video public and playable, so
-- that none is forgotten. Engagement tells them, page by page, and keeps its place here.
CREATE TABLE catalog.announcements (
    video_id bigint PRIMARY KEY REFERENCES catalog.videos (id),
    channel_id bigint NOT NULL,
    -- Subscribers are told in the order of their ids; those up to this one have been.
    told_upto bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX announcements_due ON catalog.announcements (next_at) WHERE done_at IS NULL;

CREATE FUNCTION catalog.announce() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO catalog.announcements (video_id, channel_id) VALUES (NEW.id, NEW.channel_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION catalog.announce FROM PUBLIC;

-- Videos that were public before this migration are no news.
CREATE TRIGGER announce AFTER UPDATE OF state, visibility ON catalog.videos FOR EACH ROW
    WHEN (NEW.state = 'ready' AND NEW.visibility = 'public' AND NEW.deleted_at IS NULL
          AND (OLD.state, OLD.visibility) IS DISTINCT FROM (NEW.state, NEW.visibility))
    EXECUTE FUNCTION catalog.announce();

GRANT SELECT, UPDATE (told_upto, attempts, next_at, done_at) ON catalog.announcements TO engagement;
