"""Generated calls of many callers against tables with policies, compared with an oracle written apart.

Nothing here knows how the gateway upholds a policy: an evaluator of this folder's own reads and
judges the rules, over rows that are read by SQL past the gateway.
"""
