-- A database as the first schema left it, for the test that upgrades it. It is
-- never changed; a released schema gets a file like this one.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES
  ('change_version', 0), ('event_seq', 0), ('uid_number', 9999), ('gid_number', 9999);

CREATE TABLE accounts (
  id                  TEXT PRIMARY KEY,
  kind                INTEGER NOT NULL CHECK (kind IN (0, 1)),
  login               TEXT NOT NULL,
  login_key           TEXT NOT NULL CHECK (login_key <> ''),
  name                TEXT NOT NULL,
  name_key            TEXT NOT NULL,
  mail                TEXT NOT NULL,
  mail_key            TEXT,
  password_hash       TEXT NOT NULL,
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
  position   INTEGER NOT NULL,
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
  kind              INTEGER NOT NULL CHECK (kind IN (0, 1)),
  account_id        TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  label             TEXT NOT NULL,
  services          TEXT NOT NULL,
  networks          TEXT NOT NULL,
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
  counter      BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL
);
CREATE INDEX mfa_methods_account ON mfa_methods (account_id, created_at);

CREATE TABLE codes (
  digest     BYTEA PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  purpose    TEXT NOT NULL CHECK (purpose IN ('recovery', 'enrol')),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  spent_at   BIGINT NOT NULL
);
CREATE INDEX codes_account ON codes (account_id, purpose);

CREATE TABLE events (
  id         TEXT PRIMARY KEY,
  seq        BIGINT NOT NULL UNIQUE,
  at         BIGINT NOT NULL,
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
CREATE TABLE migrations (
  number     INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_at BIGINT NOT NULL
);
INSERT INTO migrations (number, name, checksum, applied_at) VALUES
  (1, '0001_init', 'b61b8dd52ea457a277ccc7866b7b175c54b63488c47e2dbbda5a6d0b3b4cf14a', 1893456000);

UPDATE counters SET value = 5 WHERE name = 'change_version';
UPDATE counters SET value = 2 WHERE name = 'event_seq';
UPDATE counters SET value = 10000 WHERE name IN ('uid_number', 'gid_number');
INSERT INTO meta (key, value) VALUES ('key_check', '6b6579');
INSERT INTO accounts (id, kind, login, login_key, name, name_key, mail, mail_key, password_hash, password_changed_at,
  mfa_demanded, disabled, expires_at, uid_number, created_at, modified_at) VALUES
  ('11111111-1111-4111-8111-111111111111', 0, 'Ann', 'ann', 'Ann Lee', 'ann lee', 'ann@example.org', 'ann@example.org',
   'hash', 1893456000, 1, 0, 0, 10000, 1893456000, 1893456001);
INSERT INTO account_attributes (account_id, name, name_key, position, value, value_key) VALUES
  ('11111111-1111-4111-8111-111111111111', 'title', 'title', 0, 'Dr.', 'dr.');
INSERT INTO groups (id, name, name_key, description, gid_number, created_at, modified_at) VALUES
  ('22222222-2222-4222-8222-222222222222', 'Staff', 'staff', '', 10000, 1893456000, 1893456000);
INSERT INTO group_accounts (group_id, account_id) VALUES
  ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111');
INSERT INTO app_passwords (id, kind, account_id, label, services, networks, challenge, digest, row_mac, sealed_nt, sealed_clear,
  created_at, expires_at, revoked_at, last_used_at, last_used_from, last_used_service) VALUES
  ('33333333-3333-4333-8333-333333333333', 0, '11111111-1111-4111-8111-111111111111', 'phone', 'mail,vpn', '192.0.2.0/24', 1,
   X'010000000000000000000000000000000000000000000000000000000000000000000001',
   X'020000000000000000000000000000000000000000000000000000000000000000000002',
   X'03', NULL, 1893456000, 0, 0, 1893456060, '192.0.2.1', 'mail');
INSERT INTO mfa_methods (id, account_id, kind, label, sealed, counter, created_at, last_used_at) VALUES
  ('44444444-4444-4444-8444-444444444444', '11111111-1111-4111-8111-111111111111', 'totp', 'phone', X'04', 7, 1893456000, 0);
INSERT INTO codes (digest, account_id, purpose, created_at, expires_at, spent_at) VALUES
  (X'050000000000000000000000000000000000000000000000000000000000000000000005', '11111111-1111-4111-8111-111111111111', 'recovery', 1893456000, 0, 0);
INSERT INTO events (id, seq, at, last_at, count, kind, account_id, login, unknown, outcome, reason, service, protocol, method,
  client, source, reported, credential, actor, detail) VALUES
  ('55555555-5555-4555-8555-555555555555', 2, 1893456000007, 1893456060000, 3, 'sign_in', '11111111-1111-4111-8111-111111111111', 'Ann',
   '', 'accept', 'app_password', 'mail', 'ldap', 'simple', 'ldap', '192.0.2.1', '', '33333333-3333-4333-8333-333333333333', '', '');
