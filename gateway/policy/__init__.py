"""Policy: who may call what, and with which rows, as the schema says."""
