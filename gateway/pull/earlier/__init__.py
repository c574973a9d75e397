"""The protos of earlier pulls: what stands, what of it still carries its column, and what was renamed."""
