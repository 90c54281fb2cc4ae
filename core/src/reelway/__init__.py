"""Reelway follows AI video-generation jobs on any provider: submit once, follow to the end, hold the file."""
