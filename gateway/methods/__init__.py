"""One file per standard method. Each reads, top to bottom, as the way of a request; none holds SQL."""
