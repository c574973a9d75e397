"""What the conformance runner starts as a server: passes its request to the one that runs.

`python -IS relay.py SOCKET`; a signal ends it, and by that its connection.
"""

import socket
import sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    server.sendall(sys.stdin.buffer.read())
    while answer := server.recv(1 << 16):
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
