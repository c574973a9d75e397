"""Descriptors and annotations in, one neutral model out, and the tables it stands for."""
