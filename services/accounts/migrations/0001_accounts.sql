-- Users lie in the bucket that is in their id. The directory lies in the bucket that the hash of the address gives,
-- which may be in another cell than the user: it holds no address and no name.
CREATE TABLE accounts.users (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 80)
);

CREATE TABLE accounts.directory (
    email_hash bytea PRIMARY KEY,
    user_id bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT email_hash_length CHECK (octet_length(email_hash) = 32)
);

-- A session lies in its user's bucket, which is in its id too. Only hashes of refresh tokens are kept: the valid one,
-- and the one before it, by which a stolen token is recognised.
CREATE TABLE accounts.sessions (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES accounts.users (id) ON DELETE CASCADE,
    token_hash bytea NOT NULL,
    previous_hash bytea,
    rotated_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT token_hash_length CHECK (octet_length(token_hash) = 32)
);
CREATE INDEX sessions_of_user ON accounts.sessions (user_id);
CREATE INDEX sessions_by_expiry ON accounts.sessions (expires_at);
