"""Services → methods: which standard method each RPC is, and which field plays which role."""
