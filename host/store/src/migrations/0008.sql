-- What a peer says that its call belongs to, as JSON: a step of a goal, an errand of a skill.
ALTER TABLE inbound ADD COLUMN part_of TEXT;
