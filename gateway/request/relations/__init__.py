"""What a request says of relations: which rows they hold, and rows that are written with others."""
