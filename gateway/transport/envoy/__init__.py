"""Envoy in front of the same servicers, in one process: Envoy loads Python as a module (PyPI's pyvoy).

Envoy speaks HTTP/2 and TLS to the caller; gateway.transport.asgi answers. Each process is one Envoy with
one worker thread and one event loop; more cores take more processes on the same port.
"""
