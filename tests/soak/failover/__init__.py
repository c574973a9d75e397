"""A gateway over a cluster of Patroni's, whose leader is killed, frozen and cut off under load."""
