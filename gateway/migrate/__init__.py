"""From model to catalog: revisions and direct upgrades."""
