-- Which values hold which three characters in a row, for searches for a part
-- of a value. attribute is 'uid', 'cn', 'mail', '+' and the name of an extra
-- attribute, or 'group' for the names of groups; trigram is three characters of
-- the normalised value. Accounts and groups stand for themselves by their
-- number: number / 16384 is the block, and numbers holds the remainders, as
-- pairs of bytes in rising order, or 2048 bytes with one bit for each.
--
-- The program fills it for what is in the database already.

CREATE TABLE trigrams (
  attribute TEXT NOT NULL,
  trigram   TEXT NOT NULL,
  block     BIGINT NOT NULL,
  numbers   BYTEA NOT NULL,
  PRIMARY KEY (attribute, trigram, block)
);
