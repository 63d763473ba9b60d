"""The ground: what every other floor stands on."""
