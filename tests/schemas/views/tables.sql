-- Views of a table that the schema doesn't name.
CREATE SCHEMA shop;
CREATE TABLE shop.customer (email text PRIMARY KEY, points integer NOT NULL, note text);
CREATE VIEW shop.note AS SELECT email, note, points FROM shop.customer WHERE points < 100;
CREATE MATERIALIZED VIEW shop.total AS
    SELECT points > 2 AS many, count(*) AS customers, sum(points)::bigint AS points FROM shop.customer GROUP BY 1;
