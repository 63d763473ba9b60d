"""What the world may ask. One blueprint a story."""
