"""Conversations with a provider as generators: pure, and driven by the transport."""
