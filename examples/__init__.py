"""Things to run and to learn from. The gateway knows none of them."""
