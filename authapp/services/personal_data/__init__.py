"""What the database has of people and organizations: an inventory, exports, and the erasure of all of it."""
