"""Tables: of resources, as SQLAlchemy has them, their names, and those of the gateway's own."""
