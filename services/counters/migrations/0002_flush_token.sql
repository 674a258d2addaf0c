-- Which flush set the position. Folding what is pending moves no offset, so the offset alone would let a stopped owner
-- fold the same keys again when it wakes up; and a flush whose answer was lost is recognised by its own token.
ALTER TABLE counters.positions ADD COLUMN flush uuid NOT NULL DEFAULT gen_random_uuid();
