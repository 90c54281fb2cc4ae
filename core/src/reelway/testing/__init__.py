"""What users and plugin authors need to test their own code."""

from reelway.testing.clock import VirtualClock
from reelway.transport.http import in_process

__all__ = ["VirtualClock", "in_process"]
