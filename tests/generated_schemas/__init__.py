"""Schemas that hypothesis makes, each migrated, served and called beside a model of it."""
