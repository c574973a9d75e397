"""Policy: who may call what, as the schema says."""
