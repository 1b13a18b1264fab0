"""The teachers: one TOML file each. A new file in this folder, or in WAIJIAO_PERSONAS, is a new persona."""
