"""Another client beside a dear request: asks for one row over and over, and tells its longest wait.

python -m tests.dear.pinger HOST:PORT METHOD, a process of its own, so that nobody else's work is counted.
Each line that it reads is answered with the longest wait since the last one, in seconds.
"""

import sys
import threading
import time
from contextlib import suppress

import grpc

_PAUSE = 0.005
_REQUEST = b"\x0a\x01p"


class Pinger:
    """Calls until the process ends."""

    def __init__(self, target: str, method: str) -> None:
        self._call = grpc.insecure_channel(target).unary_unary(f"/{method}")
        self._began = 0.0
        self._longest = 0.0

    def run(self) -> None:
        """Call, one call after the other."""
        while True:
            self._began = time.monotonic()
            with suppress(grpc.RpcError):  # there is no such row
                self._call(_REQUEST, timeout=120)
            self._longest = max(self._longest, time.monotonic() - self._began)
            time.sleep(_PAUSE)

    def take(self) -> float:
        """Return the longest wait since the last time, that of the call under way included."""
        longest, self._longest = self._longest, 0.0
        return max(longest, time.monotonic() - self._began)


def main() -> None:
    """Answer each line."""
    pinger = Pinger(*sys.argv[1:])
    threading.Thread(target=pinger.run, daemon=True).start()
    for _ in sys.stdin:
        sys.stdout.write(f"{pinger.take():.4f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
