-- What a day (UTC) of conversions came to in the cell that holds this database, so that a flood of uploads costs what
-- was agreed and no more.
CREATE TABLE transcoder.days (
    day date PRIMARY KEY,
    -- Minutes of renditions that were begun.
    minutes bigint NOT NULL,
    -- A job did not fit any more: nobody begins another one before the next day.
    closed boolean NOT NULL DEFAULT false
);
