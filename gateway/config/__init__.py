"""Settings: one typed object from rowgate.toml, environment variables and flags."""
