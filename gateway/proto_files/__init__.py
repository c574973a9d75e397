"""The text of .proto files: their elements, field numbers, the services of resources, and changed files."""
