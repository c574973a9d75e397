"""From catalog to model: what the database really holds, and where it drifts."""
