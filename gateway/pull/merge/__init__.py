"""The merge of a draft with the protos that stand, and what clients would lose by it."""
