"""Moving a store to another database: everything that stands, and nobody works meanwhile."""
