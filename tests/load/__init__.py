"""What the gallery bears: `make load` loads a server on loopback, breaks things, and writes `docs/load.md`."""
