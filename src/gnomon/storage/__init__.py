"""Everything that touches the disk or speaks SQL: journal, loader, engines, schema and the stores over them."""
