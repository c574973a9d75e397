"""The tests."""

import os

# Read by grpc core when it is loaded: its fork handlers crash a child process now and then.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
