-- As Active Record writes it: unique indexes in place of constraints, timestamp(6), arrays that may be NULL.
CREATE TABLE schema_migrations (version character varying NOT NULL PRIMARY KEY);
CREATE TABLE ar_internal_metadata (
    key character varying NOT NULL PRIMARY KEY, value character varying,
    created_at timestamp(6) without time zone NOT NULL, updated_at timestamp(6) without time zone NOT NULL);
CREATE TABLE accounts (
    id bigserial PRIMARY KEY, email character varying NOT NULL, last_ip inet, score numeric(10,2) DEFAULT 0.0,
    nicknames character varying[] DEFAULT '{}', settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp(6) without time zone NOT NULL, updated_at timestamp(6) without time zone NOT NULL);
CREATE UNIQUE INDEX index_accounts_on_email ON accounts USING btree (email);
CREATE UNIQUE INDEX index_accounts_on_lower_email ON accounts USING btree (lower(email::text));
CREATE TABLE entries (
    id bigserial PRIMARY KEY, account_id bigint NOT NULL, kind integer DEFAULT 0 NOT NULL, body text,
    entryable_type character varying, entryable_id bigint);
CREATE INDEX index_entries_on_account_id ON entries USING btree (account_id);
CREATE INDEX index_entries_on_entryable ON entries USING btree (entryable_type, entryable_id);
ALTER TABLE ONLY entries ADD CONSTRAINT fk_rails_0d51a8ab43 FOREIGN KEY (account_id) REFERENCES accounts (id);
INSERT INTO schema_migrations VALUES ('20261121000000');
INSERT INTO accounts (email, nicknames, created_at, updated_at) VALUES ('a@example.com', NULL, now(), now());
