-- Imports that are under way, or were when their process ended. An import
-- writes what belongs to its accounts before the accounts themselves, in many
-- small transactions: without its account nothing of it is seen. One more adds
-- all accounts at once, and sets applied.

CREATE TABLE imports (
  id      TEXT PRIMARY KEY,
  applied INTEGER NOT NULL CHECK (applied IN (0, 1))
);

-- The accounts that an import is to add.
CREATE TABLE import_accounts (
  import_id  TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
  account_id TEXT NOT NULL,
  PRIMARY KEY (import_id, account_id)
);

-- The events of its accounts, until they stand with the others.
CREATE TABLE import_events (
  import_id  TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
  position   BIGINT NOT NULL,
  id         TEXT NOT NULL,
  at         BIGINT NOT NULL,
  last_at    BIGINT NOT NULL,
  count      BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  account_id TEXT NOT NULL,
  login      TEXT NOT NULL,
  unknown    TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  reason     TEXT NOT NULL,
  service    TEXT NOT NULL,
  protocol   TEXT NOT NULL,
  method     TEXT NOT NULL,
  client     TEXT NOT NULL,
  source     TEXT NOT NULL,
  reported   TEXT NOT NULL,
  credential TEXT NOT NULL,
  actor      TEXT NOT NULL,
  detail     TEXT NOT NULL,
  PRIMARY KEY (import_id, position)
);
