"""The admin address: what operators and their machines ask a gateway, beside the port of its callers."""
