-- The first schema. The text is the subset SQLite and PostgreSQL share.
--
-- Ids are UUIDs made by Postern. Times are Unix seconds, in events
-- milliseconds; 0 stands for "never" or "none". Truth values are 0 and 1.
-- Columns named _key hold the normalised form that is compared; the column
-- beside them holds what is shown. Comma-separated lists are never searched.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- One row each; moved inside the transaction that uses the number, so that the
-- order of numbers is the order of commits.
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES
  ('change_version', 0), ('event_seq', 0), ('uid_number', 9999), ('gid_number', 9999);

CREATE TABLE accounts (
  id                  TEXT PRIMARY KEY,
  kind                INTEGER NOT NULL CHECK (kind IN (0, 1)), -- 0 person, 1 service account
  login               TEXT NOT NULL,
  login_key           TEXT NOT NULL CHECK (login_key <> ''),
  name                TEXT NOT NULL,
  name_key            TEXT NOT NULL,
  mail                TEXT NOT NULL,
  mail_key            TEXT,                                    -- NULL: no mail address
  password_hash       TEXT NOT NULL,                           -- '': none, and none ever matches
  password_changed_at BIGINT NOT NULL,
  mfa_demanded        INTEGER NOT NULL CHECK (mfa_demanded IN (0, 1)),
  disabled            INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  expires_at          BIGINT NOT NULL,
  uid_number          BIGINT NOT NULL UNIQUE,
  created_at          BIGINT NOT NULL,
  modified_at         BIGINT NOT NULL,
  UNIQUE (kind, login_key)
);
CREATE INDEX accounts_mail ON accounts (kind, mail_key);
CREATE INDEX accounts_name ON accounts (kind, name_key);
CREATE INDEX accounts_modified ON accounts (modified_at);

CREATE TABLE account_attributes (
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  name_key   TEXT NOT NULL,
  position   INTEGER NOT NULL, -- values keep the order they were given in
  value      TEXT NOT NULL,
  value_key  TEXT NOT NULL,
  PRIMARY KEY (account_id, name_key, position)
);
CREATE INDEX account_attributes_value ON account_attributes (name_key, value_key);

CREATE TABLE groups (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL UNIQUE CHECK (name_key <> ''),
  description TEXT NOT NULL,
  gid_number  BIGINT NOT NULL UNIQUE,
  created_at  BIGINT NOT NULL,
  modified_at BIGINT NOT NULL
);

CREATE TABLE group_accounts (
  group_id   TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, account_id)
);
CREATE INDEX group_accounts_account ON group_accounts (account_id, group_id);

CREATE TABLE group_groups (
  group_id        TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  member_group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, member_group_id)
);
CREATE INDEX group_groups_member ON group_groups (member_group_id, group_id);

CREATE TABLE app_passwords (
  id                TEXT PRIMARY KEY,
  kind              INTEGER NOT NULL CHECK (kind IN (0, 1)), -- 0 app password, 1 certificate
  account_id        TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  label             TEXT NOT NULL,
  services          TEXT NOT NULL, -- comma-separated; 'any' alone: every service
  networks          TEXT NOT NULL, -- comma-separated prefixes; '': anywhere
  challenge         INTEGER NOT NULL CHECK (challenge IN (0, 1, 2)),
  digest            BYTEA NOT NULL UNIQUE,
  row_mac           BYTEA NOT NULL,
  sealed_nt         BYTEA,
  sealed_clear      BYTEA,
  created_at        BIGINT NOT NULL,
  expires_at        BIGINT NOT NULL,
  revoked_at        BIGINT NOT NULL,
  last_used_at      BIGINT NOT NULL,
  last_used_from    TEXT NOT NULL,
  last_used_service TEXT NOT NULL
);
CREATE INDEX app_passwords_account ON app_passwords (account_id, created_at);

CREATE TABLE mfa_methods (
  id           TEXT PRIMARY KEY,
  account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  kind         TEXT NOT NULL CHECK (kind IN ('totp', 'webauthn')),
  label        TEXT NOT NULL,
  sealed       BYTEA NOT NULL,
  counter      BIGINT NOT NULL, -- the last TOTP step accepted, or the signature counter
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL
);
CREATE INDEX mfa_methods_account ON mfa_methods (account_id, created_at);

-- Codes that work once: recovery codes and enrolment codes.
CREATE TABLE codes (
  digest     BYTEA PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  purpose    TEXT NOT NULL CHECK (purpose IN ('recovery', 'enrol')),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  spent_at   BIGINT NOT NULL
);
CREATE INDEX codes_account ON codes (account_id, purpose);

-- Events refer to accounts and credentials by id without a constraint: they
-- outlive both.
CREATE TABLE events (
  id         TEXT PRIMARY KEY,
  seq        BIGINT NOT NULL UNIQUE, -- in the order of commits
  at         BIGINT NOT NULL,        -- milliseconds, as last_at
  last_at    BIGINT NOT NULL,
  count      BIGINT NOT NULL CHECK (count >= 1),
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
  detail     TEXT NOT NULL
);
CREATE INDEX events_at ON events (at, seq);
CREATE INDEX events_account ON events (account_id, at, seq);
CREATE INDEX events_kind ON events (kind, at, seq);
