"""How fast the main job is, measured against what a user would write without Reelway. Run by `nox -s bench`."""
