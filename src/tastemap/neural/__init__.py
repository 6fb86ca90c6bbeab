"""Recipes that torch trains: user-item networks and sequence models (extra `neural`)."""
