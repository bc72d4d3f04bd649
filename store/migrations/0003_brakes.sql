-- What the brakes remember over a restart. key names what is counted and by
-- whom; account_id is '' where that is no account's.

CREATE TABLE brakes (
  key        TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  failures   BIGINT NOT NULL,
  at         BIGINT NOT NULL, -- milliseconds, as until
  until      BIGINT NOT NULL,
  releases   BIGINT NOT NULL  -- the account's, when it was counted
);
CREATE INDEX brakes_account ON brakes (account_id);

-- Grows by one whenever somebody releases the account's brakes by hand: what
-- was counted before it does not count any more.
ALTER TABLE accounts ADD COLUMN brake_releases BIGINT NOT NULL DEFAULT 0;
