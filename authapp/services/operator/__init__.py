"""What an operator sees and changes, by commands and by the operator's routes."""
