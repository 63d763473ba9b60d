"""What every other layer may use: the actor, errors, the clock, log lines. Imports only `config`."""
