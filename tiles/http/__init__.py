"""Tiles over HTTP: who may see what, what is kept and shared, and how it is answered."""
