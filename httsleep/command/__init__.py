"""The command ``httsleep``. Nothing of the library imports it."""
