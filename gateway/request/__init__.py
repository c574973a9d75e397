"""Messages in, checked requests out: filters, orders, masks, keys, page tokens. Pure: no I/O."""
