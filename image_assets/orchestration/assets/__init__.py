"""The assets, one file per layer; each file is a factory, because partitions and owners are settings."""
