"""${message}.

Made on ${day} by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""
% if statements:

from gateway.migrate.statements import ${", ".join(imports)}
% endif

revision = "${up_revision}"
down_revision = ${'"' + down_revision + '"' if down_revision else None}

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ${destroys}
% if breaks != "()":

# What gateways of the schema from before it fail on.
breaks: tuple[str, ...] = ${breaks}
% endif
% if fields:

# The numbers of the fields that columns are made from: by them a field is known that gets another name.
fields = ${fields}
% endif


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
${statements or "    # Nothing differed when this was made: write what is needed."}
