"""The durable memory of what was submitted, how each task stands, what was told and what is stored."""
