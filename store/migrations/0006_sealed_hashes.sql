-- Imported password hashes that are sealed under the key file until there was
-- time to wrap them: they begin with a dollar sign and "sealed".

CREATE INDEX accounts_sealed ON accounts (id) WHERE substr(password_hash, 2, 6) = 'sealed';
