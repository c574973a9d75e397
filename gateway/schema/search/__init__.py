"""Search: the ways of finding rows by words, likeness and nearness."""
