"""Reading and reporting rain."""
