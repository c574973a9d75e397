-- A table without a key, and a view of it.
CREATE TABLE measure (n integer, amount numeric, ratio double precision, word text, tags integer[], doc json,
    place point, span interval, during int4range, flag boolean, code character(3));
CREATE VIEW seen AS SELECT * FROM measure;
