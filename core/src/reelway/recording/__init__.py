"""Exchanges as sample files that hold nothing private."""
