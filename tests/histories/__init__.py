"""Histories of what clients did and saw under faults, checked for linearizability."""
