"""The folder that a new provider begins with, written from a description of its service."""
