-- Sign-ins at the portal. digest is the keyed hash of the token in the cookie.

CREATE TABLE portal_sessions (
  digest     TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  stage      INTEGER NOT NULL CHECK (stage IN (0, 1, 2)), -- 0 enrolling, 1 primary, 2 second factor
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  proven_at  BIGINT NOT NULL,
  source     TEXT NOT NULL,
  agent      TEXT NOT NULL
);
CREATE INDEX portal_sessions_account ON portal_sessions (account_id, created_at);
CREATE INDEX portal_sessions_seen ON portal_sessions (seen_at);
