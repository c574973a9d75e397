-- What nobody thinks of.
CREATE SCHEMA "Über Schema";
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('PG-13', 'it''s', 'ok');
CREATE TYPE pair AS (a integer, b text);
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE "Über Schema"."Große Tabelle" (
    "Id" bigint GENERATED ALWAYS AS IDENTITY (START 100), "a ""quoted"" one" text DEFAULT 'x' NOT NULL, feeling mood,
    twice integer GENERATED ALWAYS AS (length("a ""quoted"" one") * 2) STORED, during tstzrange, sized positive,
    code character(3), money money, bits bit(4), words tsvector, couple pair, tags text[],
    CONSTRAINT "Primärschlüssel" PRIMARY KEY ("Id"),
    CONSTRAINT only_once EXCLUDE USING gist (during WITH &&),
    CONSTRAINT "x > y" CHECK ("a ""quoted"" one" <> '') NOT VALID);
CREATE INDEX "on an expression" ON "Über Schema"."Große Tabelle" (lower("a ""quoted"" one") DESC) INCLUDE (sized)
    WHERE feeling IS NOT NULL;
CREATE INDEX ON "Über Schema"."Große Tabelle" USING gin (words);
CREATE STATISTICS "Über Schema".related ON twice, sized FROM "Über Schema"."Große Tabelle";
CREATE TRIGGER touch BEFORE UPDATE OF code ON "Über Schema"."Große Tabelle" FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE "Über Schema"."Große Tabelle" ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON "Über Schema"."Große Tabelle" USING (sized IS NULL OR sized > 0);
CREATE MATERIALIZED VIEW shown AS SELECT "Id" FROM "Über Schema"."Große Tabelle";
CREATE TABLE measured (at timestamp(6) with time zone NOT NULL, place text NOT NULL, version integer NOT NULL,
    CONSTRAINT measured_by_at UNIQUE (place, at)) PARTITION BY RANGE (at);
CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parent (id integer PRIMARY KEY, note text);
CREATE TABLE child (more text, PRIMARY KEY (id)) INHERITS (parent);
CREATE RULE unheard AS ON DELETE TO parent DO INSTEAD NOTHING;
CREATE TABLE without_key (x integer);
CREATE SEQUENCE counted;
COMMENT ON COLUMN parent.note IS 'Whose?';
COMMENT ON CONSTRAINT "x > y" ON "Über Schema"."Große Tabelle" IS 'Why?';
INSERT INTO "Über Schema"."Große Tabelle" ("a ""quoted"" one", feeling, tags) VALUES ('first', 'PG-13', NULL);
INSERT INTO measured VALUES ('2026-11-21 12:00Z', 'here', 1);
