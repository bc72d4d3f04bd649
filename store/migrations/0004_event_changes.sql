-- changed is seq at first, and a new number of the same counter whenever more
-- of the same are folded into the event. Who copies events elsewhere follows
-- it: an event whose count has grown comes again.

ALTER TABLE events ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
UPDATE events SET changed = seq;
CREATE INDEX events_changed ON events (changed);
