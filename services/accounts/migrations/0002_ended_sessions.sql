-- Sessions that ended before their time, for as long as an access token of theirs may live: the accounts of every cell
-- read them here, so that a token is refused in all cells and not only where its owner signed out. An entry lies in its
-- user's bucket, as the session did.
CREATE TABLE accounts.ended_sessions (
    id bigint PRIMARY KEY,
    ended_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ended_sessions_by_time ON accounts.ended_sessions (ended_at);
