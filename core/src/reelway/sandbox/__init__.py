"""Every installed provider simulated on loopback, with faults on request."""

from reelway.sandbox.callbacks import Callback
from reelway.sandbox.faults import CATALOG, Fault, Place
from reelway.sandbox.jobs import Pace
from reelway.sandbox.ledger import CallEntry, Counts, Ledger, TaskEntry
from reelway.sandbox.reply import Behaviour, Reply, request_to
from reelway.sandbox.sandbox import Sandbox
from reelway.sandbox.server import SandboxServer
from reelway.sandbox.world import World

__all__ = [
    "CATALOG",
    "Behaviour",
    "CallEntry",
    "Callback",
    "Counts",
    "Fault",
    "Ledger",
    "Pace",
    "Place",
    "Reply",
    "Sandbox",
    "SandboxServer",
    "TaskEntry",
    "World",
    "request_to",
]
