"""`rowgate serve`: what is served, by which processes, and when it is read anew."""
