"""The plots that studies of upgrading share."""
