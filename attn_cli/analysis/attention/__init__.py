"""How attention is found: products that may gate a map, judged, put together, and described."""
