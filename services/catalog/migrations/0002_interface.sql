-- What other services may do to the catalogue. Each function is called in the caller's own transaction and runs with
-- the owner's rights; who may call is said at the end. The Python side is services/common/videos.py.

CREATE FUNCTION catalog.video_brief(video bigint)
    RETURNS TABLE (id bigint, channel_id bigint, owner_id bigint, state text, visibility text, title text,
                   duration_ms bigint, created_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT v.id, v.channel_id, v.owner_id, v.state, v.visibility, v.title, v.duration_ms, v.created_at
    FROM catalog.videos v WHERE v.id = video AND v.deleted_at IS NULL;
END;

CREATE FUNCTION catalog.channel_owner(channel bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.owner_id FROM catalog.channels c WHERE c.id = channel;
END;

-- False: there is no such channel, or it is not the owner's.
CREATE FUNCTION catalog.create_video(video bigint, channel bigint, owner bigint, new_title text, new_description text,
                                     new_tags text[], new_visibility text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM catalog.channels c WHERE c.id = channel AND c.owner_id = owner;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO catalog.videos (id, channel_id, owner_id, title, description, tags, visibility)
        VALUES (video, channel, owner, new_title, new_description, new_tags, new_visibility);
    RETURN true;
END
$$;

-- All state changes return whether the video is in the asked state afterwards, so that each can be repeated.
CREATE FUNCTION catalog.mark_processing(video bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE catalog.videos SET state = 'processing', updated_at = now()
        WHERE id = video AND state = 'uploading' AND deleted_at IS NULL;
    RETURN EXISTS (SELECT 1 FROM catalog.videos WHERE id = video AND state = 'processing' AND deleted_at IS NULL);
END
$$;

-- Progress only grows, and rungs are only added, so a second worker on the same job cannot take anything back.
CREATE FUNCTION catalog.set_progress(video bigint, percent smallint, new_rungs text[], new_hls text, new_dash text,
                                     new_poster text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE catalog.videos SET
        progress = greatest(progress, percent),
        rungs = CASE WHEN cardinality(new_rungs) > cardinality(rungs) THEN new_rungs ELSE rungs END,
        hls_key = coalesce(new_hls, hls_key),
        dash_key = coalesce(new_dash, dash_key),
        poster_key = coalesce(new_poster, poster_key),
        updated_at = now()
        WHERE id = video AND state = 'processing' AND deleted_at IS NULL;
    RETURN FOUND;
END
$$;

CREATE FUNCTION catalog.mark_ready(video bigint, new_duration_ms bigint, new_width integer, new_height integer,
                                   new_rungs text[], new_hls text, new_dash text, new_poster text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE catalog.videos SET
        state = 'ready', progress = 100, duration_ms = new_duration_ms, width = new_width, height = new_height,
        rungs = new_rungs, hls_key = new_hls, dash_key = new_dash, poster_key = coalesce(new_poster, poster_key),
        failure_code = NULL, failure_message = NULL, published_at = coalesce(published_at, now()), updated_at = now()
        WHERE id = video AND state IN ('processing', 'failed') AND deleted_at IS NULL;
    RETURN EXISTS (SELECT 1 FROM catalog.videos WHERE id = video AND state = 'ready' AND deleted_at IS NULL);
END
$$;

CREATE FUNCTION catalog.mark_failed(video bigint, code text, message text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE catalog.videos SET state = 'failed', failure_code = code, failure_message = message, updated_at = now()
        WHERE id = video AND state IN ('uploading', 'processing') AND deleted_at IS NULL;
    RETURN EXISTS (SELECT 1 FROM catalog.videos WHERE id = video AND state = 'failed' AND deleted_at IS NULL);
END
$$;

-- False: the video does not exist, is private to somebody else, or cannot be watched yet.
CREATE FUNCTION catalog.add_comment(comment bigint, video bigint, author bigint, new_author_name text, new_body text)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM catalog.videos v
        WHERE v.id = video AND v.deleted_at IS NULL AND v.state IN ('processing', 'ready')
          AND (v.visibility <> 'private' OR v.owner_id = author);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO catalog.comments (id, video_id, author_id, author_name, body)
        VALUES (comment, video, author, new_author_name, new_body);
    RETURN true;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA catalog FROM PUBLIC;
GRANT EXECUTE ON FUNCTION catalog.tag_text TO catalog;
GRANT USAGE ON SCHEMA catalog TO uploads, transcoder, engagement, counters, search, recommendations;
GRANT SELECT ON catalog.published TO search, recommendations;
GRANT SELECT ON catalog.comments TO counters;
GRANT EXECUTE ON FUNCTION catalog.video_brief TO uploads, transcoder, engagement, counters, recommendations;
GRANT EXECUTE ON FUNCTION catalog.channel_owner TO uploads, engagement;
GRANT EXECUTE ON FUNCTION catalog.create_video TO uploads;
GRANT EXECUTE ON FUNCTION catalog.mark_processing TO uploads, transcoder;
GRANT EXECUTE ON FUNCTION catalog.set_progress TO transcoder;
GRANT EXECUTE ON FUNCTION catalog.mark_ready TO transcoder;
GRANT EXECUTE ON FUNCTION catalog.mark_failed TO uploads, transcoder;
GRANT EXECUTE ON FUNCTION catalog.add_comment TO engagement;
