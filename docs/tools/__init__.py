"""What writes and builds the manual; no part of the manual itself."""
