"""Read replicas: reads go to a standby that is as fresh as the caller asks, or else to the primary.

Writes tell where the log stood after their COMMIT (`gateway.db.statements.written_position`). A replica has
what was written once it has replayed the log up to there. What it last said of that is a lower bound for as
long as the server lives, so most reads ask nothing; where it isn't enough the replica is asked again on the
connection that is to read, in a statement before the read. What is not proven is read from the primary.
"""
