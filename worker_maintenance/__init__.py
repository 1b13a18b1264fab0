"""Maintenance: sends webhooks and removes orphaned audio. No job waits for it."""
