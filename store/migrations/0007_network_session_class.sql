-- What a session was granted for, as the device was given it in the accept and
-- brought it back: sealed, and opened by nobody but the server.

ALTER TABLE network_sessions ADD COLUMN class TEXT NOT NULL DEFAULT '';
