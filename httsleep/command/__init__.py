"""The command ``httsleep``. The library imports nothing of this package."""
