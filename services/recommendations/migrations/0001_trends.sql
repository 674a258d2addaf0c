-- One row per video that was ever watched, in the video's database. What is stored is the logarithm of a rate that
-- decays (services/recommendations/trending.py): it changes only when the counts do, and its order needs no clock.
CREATE TABLE recommendations.trends (
    video_id bigint PRIMARY KEY,
    weight double precision NOT NULL,
    views bigint NOT NULL,
    likes bigint NOT NULL,
    comments bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX trends_by_weight ON recommendations.trends (weight DESC, video_id DESC);
