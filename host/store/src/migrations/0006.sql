-- How a peer that we accept is reached directly, as it told us: JSON, the agent's to read.
ALTER TABLE peers ADD COLUMN direct TEXT;
