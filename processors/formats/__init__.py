"""Pure readers of one format each, from vetted bytes to a model; they know no engine and no table."""
