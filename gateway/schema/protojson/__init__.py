"""ProtoJSON ⇄ messages, by functions that are compiled once per descriptor, over JSON that is plain Python.

The rules are https://protobuf.dev/programming-guides/json's, in what protobuf's json_format makes of them.
"""
