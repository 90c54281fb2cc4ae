"""What Reelway talks about: requests, tasks, observations and the rules of their life. Pure data, no I/O."""
