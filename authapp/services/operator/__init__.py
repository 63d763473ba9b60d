"""What an operator sees and changes by the commands, and no route offers."""
