"""The pool: connections that are kept, the limiter of how many are in use, and the queue for them."""
