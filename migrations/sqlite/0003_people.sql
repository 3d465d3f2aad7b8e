-- When somebody last signed in, whether that session is over or not. NULL: not since this migration.
ALTER TABLE user_account ADD COLUMN last_sign_in_at BIGINT;
