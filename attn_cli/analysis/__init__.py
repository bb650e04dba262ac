"""Readers of graphs: a graph in, a plain record out."""
