"""Settings: one typed, frozen object, and where each of its values came from."""
