-- When somebody last signed in, whether that session is over or not. NULL: not since this migration.
ALTER TABLE user_account ADD COLUMN last_sign_in_at BIGINT;

-- Rights that no statement uses. What agents send is not in the audit, who is identified does not
-- read it, and a key of the installation stays for what it sealed.
REVOKE ALL ON audit, audit_head FROM farwatch_ingest;
DROP POLICY ingest ON audit;
DROP POLICY ingest ON audit_head;
REVOKE SELECT ON audit FROM farwatch_identity;
REVOKE DELETE ON installation_key FROM farwatch_identity;
-- Agents alone write what interfaces there are; those of a device go with it, as the owner's work.
REVOKE INSERT, UPDATE, DELETE ON interface FROM farwatch_app;
REVOKE UPDATE ON device_tag FROM farwatch_app;
