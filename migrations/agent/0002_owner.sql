-- The agent the file belongs to; 0 in a file made before this was kept. After another enrolment the
-- file is of no use: no collector takes what another agent has seen.
ALTER TABLE stream ADD COLUMN agent_id INTEGER NOT NULL DEFAULT 0;
