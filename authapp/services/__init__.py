"""What happens. Plain functions; they flush, and never commit."""
