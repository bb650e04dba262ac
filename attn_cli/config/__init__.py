"""attn.toml: found, read, written. What it asks is said in records; nothing is checked here."""
