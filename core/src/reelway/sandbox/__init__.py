"""Every installed provider simulated on loopback, with faults on request."""
