-- Tables that others manage, as the schema beside this needs them; what they are more is nobody's affair.
CREATE SCHEMA shop;
CREATE DOMAIN shop.points AS integer CHECK (VALUE >= 0);
CREATE TYPE shop.standing AS ENUM ('STANDING_UNSPECIFIED', 'STANDING_GOOD', 'of old');
CREATE TABLE shop."Customer" (
    number serial CONSTRAINT "PK of Customer" PRIMARY KEY,
    email text NOT NULL,
    points shop.points NOT NULL DEFAULT 1,
    standing shop.standing NOT NULL DEFAULT 'STANDING_GOOD',
    tags text[] DEFAULT '{new}',
    joined timestamp NOT NULL DEFAULT '2020-01-01',
    shouted text GENERATED ALWAYS AS (upper(email)) STORED,
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    note text CONSTRAINT "no shouting" CHECK (note <> upper(note)),
    hidden integer NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX "one mail each" ON shop."Customer" (email);
CREATE INDEX ON shop."Customer" (lower(email));
CREATE TABLE shop.visit (
    customer text NOT NULL CONSTRAINT "who?" REFERENCES shop."Customer" (email) ON UPDATE CASCADE ON DELETE CASCADE,
    day date NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT "once a day" UNIQUE (day, customer));
CREATE TYPE shop.mood AS ENUM ('so so', 'great!', 'it''s "fine"');
CREATE DOMAIN shop.price AS numeric(10,2);
CREATE TABLE shop.product (
    code char(5) PRIMARY KEY,
    mood shop.mood NOT NULL DEFAULT 'great!',
    moods shop.mood[],
    color text NOT NULL DEFAULT '#f00',
    price shop.price NOT NULL,
    cost money,
    made timestamp(3) NOT NULL DEFAULT now(),
    seen timestamptz(0),
    opens time(0),
    lasts interval(2),
    at timetz(3),
    flags bit(3),
    alias name,
    years int4range,
    codes char(3)[] NOT NULL DEFAULT '{}',
    masks bit(3)[],
    times timestamptz(3)[]);
