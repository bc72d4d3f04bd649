-- Who is on a network through a RADIUS client, as the client reports it
-- (RFC 2866). They refer to accounts and credentials by id without a
-- constraint: a session goes on when its account is deleted, until the device
-- has ended it.

CREATE TABLE network_sessions (
  id             TEXT PRIMARY KEY,
  client         TEXT NOT NULL,
  nas            TEXT NOT NULL,
  session        TEXT NOT NULL,
  user_name      TEXT NOT NULL,
  account_id     TEXT NOT NULL, -- '': not known
  credential     TEXT NOT NULL, -- '': a primary password, or not known
  nas_identifier TEXT NOT NULL,
  nas_address    TEXT NOT NULL,
  address        TEXT NOT NULL,
  reported       TEXT NOT NULL,
  called         TEXT NOT NULL,
  port           TEXT NOT NULL,
  started_at     BIGINT NOT NULL,
  seen_at        BIGINT NOT NULL,
  ended_at       BIGINT NOT NULL, -- 0: on
  ended          TEXT NOT NULL,
  seconds        BIGINT NOT NULL,
  in_octets      BIGINT NOT NULL,
  out_octets     BIGINT NOT NULL,
  cause          BIGINT NOT NULL,
  tries          BIGINT NOT NULL, -- to have the device end it
  next_try       BIGINT NOT NULL,
  outcome        TEXT NOT NULL,   -- '': not tried, or still being tried
  UNIQUE (client, nas, session, user_name)
);
CREATE INDEX network_sessions_ended ON network_sessions (ended_at, seen_at);
CREATE INDEX network_sessions_account ON network_sessions (account_id, ended_at);
