"""Plans: the steps from the database that is found to the model, and what of it migrations may change."""
